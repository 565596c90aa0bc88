"""What is remembered of a camera, scored again: with any bank of the same networks, in any view, with any additions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.alarms.event_detector import OPENS_AFTER_S, AlertGate, Event, EventRule, begins_anew
from models.banks.additions import Additions
from models.banks.bank import Bank
from models.engine.frame_scorer import FrameScorer
from models.frames.frame import Features
from models.frames.view import ViewMask
from models.memory.samples import grid_of
from models.memory.spans import frames_within
from models.memory.stretches.stretch import SAME_RUN_WITHIN_S, Exclusion, Stretch
from models.profiles.profile import StreamKind
from models.streams.place_stream import CONTEXT
from patchwatch.contract.errors import NonFiniteScoreError

_ALWAYS = ((0, 2**60),)
_AWAY_S, _HELD_S = 1.0, 3.0  # live, no event opens so long after frames that were away (models.tampering.detector)


@dataclass(frozen=True)
class Judgement:
    """What remembered frames are judged by. ``mask``: what counts of them; None: all that is remembered."""

    bank: Bank
    rule: EventRule
    muted: frozenset[StreamKind] = frozenset()
    mask: ViewMask | None = None
    additions: Additions | None = None


def frames_of(stretch: Stretch) -> list[tuple[Features, ...]]:
    """The features of all frames, of all streams, in float32. What frames share is one object here too."""
    return list(frames_within(stretch, _ALWAYS))


class Rescorer:
    """Scores stretches that follow each other. The events of one run of stretches are `events`, in order."""

    def __init__(self, judgement: Judgement) -> None:
        self._judgement = judgement
        self._scorer = FrameScorer(judgement.bank, judgement.rule)
        self._scorer.mute(judgement.muted)
        self._scorer.use_additions(judgement.additions)
        self._last: tuple[int, float] | None = None  # run and own time of the frame before
        self._step_s = 0.0  # between the two before
        self._held_until_s = float("-inf")
        self._events: dict[float, Event] = {}
        self._taken: dict[int, tuple[Features, Features]] = {}  # by id of what was taken from, which is kept with it

    def add(self, stretch: Stretch, frames: Sequence[tuple[Features, ...]]) -> NDArray[np.float32]:
        """The scores (n,) of the next stretch; NaN where none can be given. ``frames``: `frames_of` it."""
        self._taken.clear()
        scores = np.full(len(stretch), np.nan, np.float32)
        elapsed_ms = np.rint((stretch.times_s - stretch.times_s[0]) * 1000).astype(np.int64)
        for n, features in enumerate(frames):
            run, at_s = int(stretch.runs[n]), float(stretch.times_s[n])
            wrong = int(stretch.excluded[n]) & Exclusion.CONDITION
            gate = AlertGate.SUPPRESS if wrong else self._gate(run, at_s)
            goes_on, self._last = self._goes_on(run, at_s), (run, at_s)
            with suppress(NonFiniteScoreError):
                score = self._scorer.score(
                    [self._counted(number, part, stretch) for number, part in enumerate(features)],
                    at_s,
                    gate,
                    discontinuity=not goes_on,
                    wall_ms=stretch.started_ms + int(elapsed_ms[n]),
                )
                scores[n] = score.score
                self._events |= {event.started_s: event for event in score.changes}
        return scores

    @property
    def events(self) -> list[Event]:
        """As they were in the end; what is open at the end of what is remembered is closed there."""
        self._events |= {event.started_s: event for event in self._scorer.finish()}
        return list(self._events.values())

    def _gate(self, run: int, at_s: float) -> AlertGate:
        if self._last is None:
            return AlertGate.OPEN
        before_s, self._step_s = self._step_s, at_s - self._last[1]
        if self._goes_on(run, at_s):
            held_s = OPENS_AFTER_S if begins_anew(self._step_s, before_s) else 0.0
        else:
            held_s = 0.0 if 0 < self._step_s <= _AWAY_S else _HELD_S
        if held_s:
            self._held_until_s = at_s + held_s
        return AlertGate.HOLD if at_s < self._held_until_s <= at_s + _HELD_S else AlertGate.OPEN

    def _goes_on(self, run: int, at_s: float) -> bool:
        return self._last is not None and self._last[0] == run and 0 < at_s - self._last[1] <= SAME_RUN_WITHIN_S

    def _counted(self, stream: int, features: Features, stretch: Stretch) -> Features:
        mask = self._judgement.mask
        if mask is None or mask.whole or not len(features):
            return features
        known = self._taken.get(id(features))
        if known is None:
            known = self._taken[id(features)] = features, _counted(stretch.kinds[stream], features, mask, stretch.size)
        return known[1]


def _counted(kind: StreamKind, features: Features, mask: ViewMask, size: tuple[int, int]) -> Features:
    """What counts of the features of one frame, as for a live one."""
    return features.take(_COUNTS.get(kind, _boxes)(features, mask, size))


def _boxes(features: Features, mask: ViewMask, size: tuple[int, int]) -> NDArray[np.bool_]:
    return mask.counts_boxes(features.boxes_xyxy_px, *size)


def _cells(features: Features, mask: ViewMask, size: tuple[int, int]) -> NDArray[np.bool_]:
    return mask.counts_places(grid_of(StreamKind.MOTION, size)[0], *size)[features.groups]


def _places(features: Features, mask: ViewMask, size: tuple[int, int]) -> NDArray[np.bool_]:
    return mask.counts_places(grid_of(StreamKind.PLACE, size)[0], *size, CONTEXT)[features.groups]


def _whole(features: Features, mask: ViewMask, _: tuple[int, int]) -> NDArray[np.bool_]:
    return np.full(len(features), mask.as_learnt)


_COUNTS: dict[StreamKind, Callable[[Features, ViewMask, tuple[int, int]], NDArray[np.bool_]]] = {
    StreamKind.MOTION: _cells, StreamKind.PLACE: _places, StreamKind.GLOBAL: _whole,
}  # fmt: skip
