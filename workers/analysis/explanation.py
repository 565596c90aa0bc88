"""Explanations as messages, live and of recordings alike."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

from models.banks.bank import Bank
from models.engine.frame_scorer import ExplainedStream, FrameScore, NearestExemplar, explain
from models.frames.frame import Features
from patchwatch.messages.explanation import Explanation, NearestNormal, RelativeRegion, StreamExplanation
from patchwatch.messages.score import Region


def explanation_of(
    bank: Bank,
    features: Sequence[Features],
    score: FrameScore,
    *,
    camera_id: str,
    at_ms: int,
    seq: int | None,
    size: tuple[int, int],
    source_size: tuple[int, int],
    thumbnails: bool,
) -> Explanation:
    """The message that explains a frame's score; ``features`` are those the score was computed from.

    Sizes are width and height in pixels: ``size`` of the analysed frame, ``source_size`` of the camera's own picture.
    """
    parts = explain(bank, features, score)
    return Explanation(
        camera_id=camera_id,
        at_ms=at_ms,
        seq=seq,
        width=source_size[0],
        height=source_size[1],
        raw=score.raw,
        score=score.score,
        profile=bank.profile.name,
        bank_id=bank.id,
        random_weights=bank.random_weights,
        streams=tuple([_stream(part, size, source_size, thumbnails) for part in parts]),
    )


def _stream(
    part: ExplainedStream, size: tuple[int, int], source_size: tuple[int, int], thumbnails: bool
) -> StreamExplanation:
    box = part.box_xyxy_px
    return StreamExplanation(
        name=part.name,
        weight=part.weight,
        contribution=min(1.0, part.contribution),  # a sum of shares may be off by a rounding
        rarity=part.rarity,
        distance=part.distance,
        region=None if box is None else Region.scaled(box, size, source_size),
        nearest=tuple([_nearest(exemplar, thumbnails) for exemplar in part.nearest]),
    )


def _nearest(exemplar: NearestExemplar, thumbnails: bool) -> NearestNormal:
    moment = exemplar.moment
    return NearestNormal(
        distance=exemplar.distance,
        source=exemplar.source,
        time_s=round(moment.time_s, 3),
        captured_at_ms=None if moment.captured_at_s is None else round(moment.captured_at_s * 1000),
        region=RelativeRegion(*[round(edge, 4) for edge in exemplar.box]),
        thumbnail=b64encode(exemplar.thumbnail).decode() if thumbnails and exemplar.thumbnail else None,
    )
