"""A bank as it would be without what was seen in some stretches of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.banks.bank import Bank, StreamBank

SpanMs = tuple[int, int]  # from and until, Unix time, both included
_FAR = 1e4  # farther from whatever a stream measures than anything is


@dataclass(frozen=True)
class Forgetful:
    """``bank``: without the exemplars of these times. ``removed`` of ``exemplars`` were seen then."""

    bank: Bank
    removed: int
    exemplars: int


def without_exemplars_of(bank: Bank, spans: Sequence[SpanMs]) -> Forgetful:
    """Exemplars that were seen within the spans (Unix time) are nearest to nothing; all others stay as they are, and so
    does the calibration. A bank that is learnt anew draws others in their place, from what remains.

    Exemplars of recordings, whose time of capture nobody knows, stay.
    """
    gone = _moments_within(bank, spans)
    masks = [_seen_in(stream, gone) for stream in bank.streams]
    streams = tuple(map(_without, bank.streams, masks))
    return Forgetful(
        replace(bank, streams=streams), sum(int(mask.sum()) for mask in masks), sum(mask.size for mask in masks)
    )


def _moments_within(bank: Bank, spans: Sequence[SpanMs]) -> NDArray[np.bool_]:
    captured_s = [moment.captured_at_s for moment in bank.moments.moments]
    return np.array(
        [
            at_s is not None and any(from_ms <= at_s * 1000 <= until_ms for from_ms, until_ms in spans)
            for at_s in captured_s
        ],
        np.bool_,
    )


def _seen_in(stream: StreamBank, moments: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of which exemplars, (seeds, groups, exemplars), the moment is one of these."""
    if stream.origins is None or not moments.any():
        return np.zeros(stream.vectors.shape[:3], np.bool_)
    return np.asarray(moments[stream.origins.moments], np.bool_)


def _without(stream: StreamBank, gone: NDArray[np.bool_]) -> StreamBank:
    if not gone.any():
        return stream
    return replace(stream, vectors=np.where(gone[..., None], np.float32(_FAR), stream.vectors))
