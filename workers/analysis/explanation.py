"""Explanations as messages, live and of recordings alike."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from models.alarms.event_detector import Box
from models.banks.bank import Bank
from models.engine import explanation
from models.engine.explanation import explain
from models.engine.frame_scorer import FrameScore
from models.frames.frame import Features
from patchwatch.messages.alert import AlertRegion
from patchwatch.messages.explanation import Explanation, NearestNormal, RelativeRegion, StreamExplanation
from patchwatch.messages.score import Region


@dataclass(frozen=True)
class Explained:
    """The frame that is explained. Sizes are width and height in pixels, of the frame and the camera's own picture."""

    camera_id: str
    at_ms: int
    seq: int | None
    size: tuple[int, int]
    source_size: tuple[int, int]


def explanation_of(
    frame: Explained, bank: Bank, features: Sequence[Features], reading: FrameScore, *, thumbnails: bool
) -> Explanation:
    """The message that explains a frame's reading; ``features`` are those the reading was made of."""
    return Explanation(
        camera_id=frame.camera_id,
        at_ms=frame.at_ms,
        seq=frame.seq,
        width=frame.source_size[0],
        height=frame.source_size[1],
        raw=reading.raw,
        score=reading.score,
        profile=bank.profile.name,
        bank_id=bank.id,
        random_weights=bank.random_weights,
        streams=tuple(_stream(frame, part, thumbnails) for part in explain(bank, features, reading)),
    )


def _stream(frame: Explained, part: explanation.StreamExplanation, thumbnails: bool) -> StreamExplanation:
    return StreamExplanation(
        name=part.name,
        weight=part.weight,
        contribution=min(1.0, part.contribution),  # a sum of shares may be off by a rounding
        rarity=part.rarity,
        distance=part.distance,
        region=_region(part.box_xyxy_px, frame),
        nearest=tuple(_nearest(one, thumbnails) for one in part.nearest),
    )


def _region(box: Box | None, frame: Explained) -> AlertRegion | None:
    region = Region.in_source(box, frame.size, frame.source_size)
    return None if region is None else AlertRegion(x1=region.x1, y1=region.y1, x2=region.x2, y2=region.y2)


def _nearest(one: explanation.NearestNormal, thumbnails: bool) -> NearestNormal:
    moment = one.moment
    x1, y1, x2, y2 = (round(edge, 4) for edge in one.box)
    return NearestNormal(
        distance=one.distance,
        source=one.source,
        time_s=round(moment.time_s, 3),
        captured_at_ms=None if moment.captured_at_s is None else round(moment.captured_at_s * 1000),
        region=RelativeRegion(x1=x1, y1=y1, x2=x2, y2=y2),
        thumbnail=b64encode(one.thumbnail).decode() if thumbnails and one.thumbnail else None,
    )
