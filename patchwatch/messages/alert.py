"""An alert: an event of one camera, while it lasts and after. Published at each change."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from patchwatch.contract.bounds import Count, TimeMs
from patchwatch.messages.base import CameraId, Message, Words
from patchwatch.messages.score import Region


class AlertState(StrEnum):
    """An alert opens once and closes once."""

    OPEN = "open"
    CLOSED = "closed"


class AlertChange(StrEnum):
    """What subscribers are told of an alert: that it opened, once; that its peak rose; that it closed, once."""

    OPEN = "open"
    UPDATE = "update"
    CLOSED = "closed"


class AlertKind(StrEnum):
    """What departed from normal: the scene, or what the camera delivers of it."""

    ANOMALY = "anomaly"
    FROZEN = "frozen"  # frames arrive, the picture does not change
    COVERED = "covered"  # the picture is black, or without any detail
    SCENE_CHANGED = "scene_changed"  # another view as a whole: the camera was moved, switched to infrared
    BLIND = "blind"  # pictures come, but nothing can be told from them
    SHAKING = "shaking"  # the picture as a whole moves to and fro: a camera on a pole
    FLICKERING = "flickering"  # bars of light roll through the picture: lamps on mains, another shutter time
    OFFLINE = "offline"  # no frames from a camera that should deliver them


class AlertRegion(Message):
    """A `Region` as JSON."""

    x1: int
    y1: int
    x2: int
    y2: int

    @classmethod
    def from_region(cls, region: Region | None) -> Self | None:
        return None if region is None else cls(x1=region.x1, y1=region.y1, x2=region.x2, y2=region.y2)


class Alert(Message):
    """One event. ``id`` is derived from the camera and the start, so a replay yields the same alert, not a second.

    Times are milliseconds since the Unix epoch. ``started_at_ms`` is when it began (the score first rose above
    ``threshold``; of `OFFLINE`, the last frame), ``opened_at_ms`` when it had lasted for the minimum time. Only an
    anomaly has a peak score, threshold, stream, region and bank; of the other kinds ``detail`` says in words what is
    wrong and what to do.
    """

    # Anomalies are still written as version 1, which readers of before the other kinds understand.
    version: int = 2

    id: str
    camera_id: CameraId
    kind: AlertKind = AlertKind.ANOMALY
    state: AlertState
    started_at_ms: TimeMs
    opened_at_ms: TimeMs
    peak_at_ms: TimeMs
    ended_at_ms: TimeMs | None = None
    peak_score: float | None = Field(None, ge=0, le=1)
    threshold: float | None = None
    stream: str | None = None
    region: AlertRegion | None = None
    profile: str
    bank_id: str = ""
    random_weights: bool = False
    detail: Words = ""
    told: Count = 0  # changes that subscribers heard of before this one

    @property
    def change(self) -> AlertChange:
        """What this is to a subscriber."""
        if self.state is AlertState.CLOSED:
            return AlertChange.CLOSED
        return AlertChange.UPDATE if self.told else AlertChange.OPEN

    @model_validator(mode="after")
    def _an_anomaly_is_whole(self) -> Self:
        if self.kind is AlertKind.ANOMALY and (self.peak_score is None or self.threshold is None):
            raise ValueError("an anomaly has a peak_score and a threshold")
        return self
