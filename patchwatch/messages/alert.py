"""An alert: an event of one camera, while it lasts and after. Published at each change."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from patchwatch.messages.base import CameraId, Message


class AlertState(StrEnum):
    """An alert opens once and closes once."""

    OPEN = "open"
    CLOSED = "closed"


class AlertKind(StrEnum):
    """What departed from normal."""

    ANOMALY = "anomaly"


class AlertRegion(Message):
    """A box in pixels of the camera's own picture."""

    x1: int
    y1: int
    x2: int
    y2: int


class Alert(Message):
    """One event. ``id`` is derived from the camera and the start, so a replay yields the same alert, not a second.

    Times are milliseconds since the Unix epoch. ``started_at_ms`` is when the score first rose above ``threshold``,
    ``opened_at_ms`` when it had stayed there for the minimum time.
    """

    id: str
    camera_id: CameraId
    kind: AlertKind = AlertKind.ANOMALY
    state: AlertState
    started_at_ms: int
    opened_at_ms: int
    peak_at_ms: int
    ended_at_ms: int | None = None
    peak_score: float = Field(ge=0, le=1)
    threshold: float
    stream: str | None = None
    region: AlertRegion | None = None
    profile: str
    bank_id: str
    random_weights: bool = False
