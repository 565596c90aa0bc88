"""Explanations as messages, live and of recordings alike."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence

import numpy as np

from models.banks.bank import Bank
from models.engine.frame_explanation import ExplainedStream, NearestExemplar, explain
from models.engine.frame_scorer import FrameScore
from models.frames.frame import Features
from patchwatch.messages.alerts.explanation import Explanation, NearestNormal, RelativeRegion, StreamExplanation
from patchwatch.messages.cameras.zones.polygon import Polygon
from patchwatch.messages.frames.score import Region
from workers.media import jpeg_codec
from workers.media.privacy_mask import PrivacyMask

_QUALITY = 70  # of thumbnails
Shown = Callable[[bytes], bytes]


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
    thumbnails: bool = False,
    hidden: tuple[Polygon, ...] = (),
) -> Explanation:
    """The message that explains a frame's score; ``features`` are those the score was computed from.

    ``hidden``: what is black in thumbnails, in shares of the picture, even where the bank was learnt with it in sight.
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
        context=score.context,
        streams=tuple([_stream(part, size, source_size, _shown(hidden) if thumbnails else None) for part in parts]),
    )


def _stream(
    part: ExplainedStream, size: tuple[int, int], source_size: tuple[int, int], thumbnails: Shown | None
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


def _shown(hidden: tuple[Polygon, ...]) -> Shown:
    """How a thumbnail is shown: as it is, or with what is hidden in black."""
    if not hidden:
        return lambda jpeg: jpeg
    mask = PrivacyMask(hidden)

    def blackened(jpeg: bytes) -> bytes:
        rgb = np.array(jpeg_codec.decode(jpeg))
        mask.hide(rgb)
        return jpeg_codec.encode(rgb, _QUALITY)

    return blackened


def _nearest(exemplar: NearestExemplar, shown: Shown | None) -> NearestNormal:
    moment = exemplar.moment
    return NearestNormal(
        distance=exemplar.distance,
        source=exemplar.source,
        time_s=round(moment.time_s, 3),
        captured_at_ms=None if moment.captured_at_s is None else round(moment.captured_at_s * 1000),
        region=RelativeRegion(*[round(edge, 4) for edge in exemplar.box]),
        thumbnail=b64encode(shown(exemplar.thumbnail)).decode() if shown and exemplar.thumbnail else None,
    )
