"""Explains the score of a frame: written with each alert, and for the latest scored frame of each camera."""

from __future__ import annotations

from pydantic import Field

from patchwatch.contract.bounds import Count, TimeMs
from patchwatch.messages.alert import AlertRegion
from patchwatch.messages.base import CameraId, Message


class RelativeRegion(Message):
    """A box in parts of a picture's width and height, 0..1."""

    x1: float
    y1: float
    x2: float
    y2: float


class NearestNormal(Message):
    """A moment of the normal footage that is close to what a stream saw.

    ``time_s`` counts from the beginning of ``source``; ``captured_at_ms`` (Unix time) is known of live footage only.
    ``region`` is where the exemplar was seen in the ``thumbnail`` (JPEG in base64; None where none was kept).
    """

    distance: float
    source: str
    time_s: float
    captured_at_ms: TimeMs | None = None
    region: RelativeRegion
    thumbnail: str | None = None


class StreamExplanation(Message):
    """One stream's part: ``contribution`` is its share of the fused value. None: no evidence.

    ``region``: where it was farthest from normal, in pixels of the camera's own picture.
    """

    name: str
    weight: float
    contribution: float = Field(ge=0, le=1)
    rarity: float | None = None
    distance: float | None = None
    region: AlertRegion | None = None
    nearest: tuple[NearestNormal, ...] = ()


class Explanation(Message):
    """Of one frame. ``at_ms``: its capture time in milliseconds since the Unix epoch; of a recording, since its start.

    ``width``, ``height``: of the camera's own picture, whose pixels regions are in. ``raw``: fused value of the
    streams; ``score``: smoothed, 0..1.
    """

    camera_id: CameraId
    at_ms: TimeMs
    seq: Count | None = None
    width: int
    height: int
    raw: float
    score: float = Field(ge=0, le=1)
    profile: str
    bank_id: str
    random_weights: bool = False
    streams: tuple[StreamExplanation, ...]
