"""Explains the score of a frame: written with each alert, and for the latest scored frame of each camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from patchwatch.contract.bounds import Count, TimeMs
from patchwatch.messages.banks.bank_context import ContextName
from patchwatch.messages.base import CameraId, Message
from patchwatch.messages.frames.score import Region


@dataclass(frozen=True, slots=True)
class RelativeRegion:
    """A box in fractions of the picture's width and height, 0 to 1."""

    x1: Annotated[float, Field(examples=[0.61])]
    y1: Annotated[float, Field(examples=[0.29])]
    x2: Annotated[float, Field(examples=[0.69])]
    y2: Annotated[float, Field(examples=[0.41])]


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
    region: Region | None = None
    nearest: tuple[NearestNormal, ...] = ()


class Explanation(Message):
    """Of one frame. ``at_ms``: its capture time in milliseconds since the Unix epoch; of a recording, since its start.

    ``width``, ``height``: of the camera's own picture, whose pixels regions are in. ``raw``: fused value of the
    streams; ``score``: smoothed, 0..1. ``context``: what the picture shows of the camera's contexts (as `infrared`),
    with whose normal alone it was compared; None where it is compared with all of normal.
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
    context: ContextName | None = None
    streams: tuple[StreamExplanation, ...]
