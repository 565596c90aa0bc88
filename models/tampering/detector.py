"""Detects conditions of the picture as a whole (covered, frozen, moved, ...) in the pictures of one camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.alarms.event_detector import OPENS_AFTER_S, AlertGate, begins_anew
from models.frames.frame import Frame
from models.frames.stored_numbers import stored_time
from models.frames.view import WHOLE, ViewMask
from models.tampering.condition import Condition, ConditionKind, FreezeDetector, Hysteresis, Steadiness, Unsteady
from models.tampering.expectation import Expectation
from models.tampering.glimpses import Glimpses
from models.tampering.judged_cells import CELLS, JudgedPart
from models.tampering.other_view import OtherView
from models.tampering.signature import (
    CHANGED,
    CHANGED_BACK,
    Background,
    Difference,
    PictureSignature,
    cell_means,
    levels,
    signature_of,
)

FROZEN_AFTER_S = 60.0  # longer than any usual distance of key frames, between which a still scene is one picture
# Without an intra-coded picture in that time, a still scene and a frozen one are the same bits. Encoders that save have
# one every five minutes at the latest, and the first after a freeze may look new.
FROZEN_UNRENEWED_S = 600.0
GAP_S = 30.0  # without frames for longer, nothing is known of the picture
LEARNT_AFTER_S = 180.0  # a new scene that lasts becomes the usual one
_COVERED_AFTER_S = 2.0
_CHANGED_AFTER_S = 5.0  # a lorry that passes close by is gone by then
_UNSTEADY_AFTER_S = 3.0
_STEADY_AFTER_S = 5.0  # the wind comes in gusts
_OVER_AFTER_S = 2.0
_SETTLES_S = 3.0  # as long as the smoothing remembers (4 sigma of 0.68 s)
_DETAIL_LEFT = 0.15  # of the usual detail
_DETAIL_NONE = 0.6  # grey levels: what noise and compression leave of a black picture
_CONTRAST_NONE = 0.03  # of the usual contrast: darkness in which the scene can still be seen leaves more
_BLURRED = 0.5  # detail lost more than contrast by this much: out of focus, where darkness takes both alike
_BACK = 1.5  # over these limits by this factor, detail is back
_NOT_THE_BANKS = (
    "the view is not the one that the bank was learnt from: the camera was moved or turned, or sends another stream: "
    "put it back, or enrol again"
)
_NO_KEY_FRAME = (
    f"no pixel has changed for {FROZEN_UNRENEWED_S / 60:g} minutes, and no key frame came that would tell a frozen "
    "camera from a still scene: move something in view; if the picture stays as it is, restart the camera, otherwise "
    "set its key frame interval to 30 s or less"
)
_JUMP = 45.0  # grey levels that half of the cells brighten or darken by within about a second: what a camera's
# exposure does when a white car drives into a dark scene stays below 40, and is no reason to suppress alerts of the car
_LAG_S = 1.0


@dataclass(frozen=True)
class PictureCheck:
    """The conditions that a frame opened or closed (``ended_s`` set), and whether its score may open an event.
    ``wrong``: it is in transition, or a condition lasts: it is no part of normal. A view that begins is not wrong once
    the streams that look back have something to average."""

    changes: tuple[Condition, ...]
    gate: AlertGate
    wrong: bool = False


class _View(NamedTuple):
    """How a picture is judged beside the usual view. ``altered``: another, known or not. ``changed``: not known."""

    covered: bool
    altered: bool
    changed: bool


class TamperingDetector:
    """Takes the pictures of one camera in order. Its `state` after a picture is all that the next one needs."""

    def __init__(self, frozen_after_s: float = FROZEN_AFTER_S, mask: ViewMask = WHOLE) -> None:
        self._part = JudgedPart.from_mask(mask)
        self._freeze = FreezeDetector()
        self._background = Background()
        self._other: OtherView | None = None  # the view that was last not the usual one
        self._frozen = Hysteresis(ConditionKind.FROZEN, frozen_after_s, _OVER_AFTER_S)
        self._renewed = False  # The picture that repeats was coded on its own again, and is still the same.
        self._covered = Hysteresis(ConditionKind.COVERED, _COVERED_AFTER_S, _OVER_AFTER_S)
        self._changed = Hysteresis(ConditionKind.SCENE_CHANGED, _CHANGED_AFTER_S, _OVER_AFTER_S)
        self._glimpses: Glimpses | None = None  # of what comes and goes in a covered picture
        self._steadiness = Steadiness()
        self._shaking = Hysteresis(ConditionKind.SHAKING, _UNSTEADY_AFTER_S, _STEADY_AFTER_S)
        self._flickering = Hysteresis(ConditionKind.FLICKERING, _UNSTEADY_AFTER_S, _STEADY_AFTER_S)
        self._expectation: Expectation | None = None
        self._expects = True  # a view that the bank knows: none was recognised yet
        self._cells: NDArray[np.float32] | None = None  # mean grey levels, lagging behind
        self._last_s: float | None = None
        self._elapsed_s = 0.0  # before it
        self._unsettled_until_s = self._wrong_until_s = float("-inf")

    def expect(self, expectation: Expectation) -> None:
        """What the camera showed when its bank was learnt: the background until it was recognised, or another view has
        become the background."""
        self._expectation = expectation if expectation else None

    def use(self, mask: ViewMask) -> None:
        """Judge by other parts of the picture from now on."""
        self._part = JudgedPart.from_mask(mask)

    def detail_of(self, kind: ConditionKind) -> str:
        """What more is known of a condition that opens, for people; empty where nothing is."""
        if kind is ConditionKind.FROZEN:
            return "" if self._renewed else _NO_KEY_FRAME
        moved = self._expects and self._expectation and self._changed.since_s is not None
        return _NOT_THE_BANKS if kind is ConditionKind.SCENE_CHANGED and moved else ""

    def observe(self, frame: Frame) -> PictureCheck:
        """Take the next picture. After a discontinuity that is no cut the camera was away, so that streams which look
        back in time have less to average for a while; after a cut, or a gap across which they do not, for a moment."""
        at_s, cut = frame.at_s, frame.cut
        rejoined = frame.discontinuity and not cut and self._last_s is not None
        before_gap = self._after_gap(at_s)
        begins = self._last_s is None
        elapsed_s = at_s - self._last_s if self._last_s is not None else 0.0
        begins_again = begins or cut or rejoined or begins_anew(elapsed_s, self._elapsed_s)
        self._last_s, self._elapsed_s = at_s, elapsed_s
        signature = signature_of(frame, self._part)
        view = self._judge_view(signature, at_s, elapsed_s, begins=begins)
        repeated = self._freeze.repeats(signature.digests, self._part.cells) and not view.covered  # black never changes
        changes = self._update_frozen(at_s, repeated, frame.predicted) + self._update_view(at_s, view)
        unsteady = self._observe_steadiness(signature, elapsed_s, view)
        changes += self._shaking.update(at_s, unsteady.shakes) + self._flickering.update(at_s, unsteady.flickers)
        changes += self._learn(signature, at_s, elapsed_s, unusual=self._is_unusual(view))
        changes += self._learn_plain(signature, at_s, elapsed_s)
        ended = any(change.ended_s is not None for change in changes)
        jumped = self._jumps(signature, elapsed_s)
        in_transition = ended or jumped or view.covered or view.altered or unsteady.now
        refills_s = OPENS_AFTER_S if begins_again else 0.0
        gate = self._gate(at_s, _SETTLES_S if in_transition or rejoined or before_gap else refills_s)
        wrong = self._is_wrong(at_s, _SETTLES_S if in_transition else refills_s)
        return PictureCheck((*before_gap, *changes), gate, wrong)

    def _judge_view(self, signature: PictureSignature, at_s: float, elapsed_s: float, *, begins: bool) -> _View:
        difference = self._difference(signature)
        covered = self._is_covered(signature, difference)
        altered = not covered and self._is_altered(signature, difference, at_s, begins=begins)
        changed = altered and not self._is_known(signature)
        self._follow_other(signature, at_s, elapsed_s, changed=changed)
        return _View(covered, altered, changed)

    def _update_view(self, at_s: float, view: _View) -> list[Condition]:
        still_covered = view.changed and self._covered.open is not None  # over only when the view is back, or learnt
        changes = self._covered.update(at_s, view.covered or still_covered) + self._changed.update(at_s, view.changed)
        if view.altered and not view.changed:
            self._leave_usual(at_s)  # A known view, such as the bank's night, becomes the background at once.
        return changes

    def _observe_steadiness(self, signature: PictureSignature, elapsed_s: float, view: _View) -> Unsteady:
        unjudged = view.covered or view.changed or not self._background.known
        usual = None if unjudged else self._background
        return self._steadiness.observe(signature.grey, usual, elapsed_s, self._part.cells)

    def _is_unusual(self, view: _View) -> bool:
        return view.covered or view.changed or self._covered.open is not None  # glimpses past a cover are not learnt

    def finish(self) -> list[Condition]:
        """No more frames for now: close the open conditions, as of the last frame."""
        if self._last_s is None:
            return []
        return [closed for hysteresis in self._hystereses for closed in hysteresis.finish(self._last_s or 0.0)]

    def _update_frozen(self, at_s: float, repeated: bool, predicted: bool) -> list[Condition]:
        self._renewed = repeated and (self._renewed or not predicted)
        return self._frozen.update(at_s, repeated, None if self._renewed else FROZEN_UNRENEWED_S)

    @property
    def _hystereses(self) -> tuple[Hysteresis, ...]:
        return (self._frozen, self._covered, self._changed, self._shaking, self._flickering)

    def _after_gap(self, at_s: float) -> list[Condition]:
        if self._last_s is None or 0.0 <= at_s - self._last_s <= GAP_S:
            return []
        closed = self.finish()
        self._cells = self._last_s = self._glimpses = None
        self._steadiness = Steadiness()
        self._unsettled_until_s = self._wrong_until_s = float("-inf")
        return closed

    def _is_covered(self, signature: PictureSignature, difference: Difference | None) -> bool:
        if not signature.judged.any():
            return False
        slack = _BACK if self._covered.open else 1.0
        faint = signature.detail < slack * _DETAIL_NONE
        if difference is None:
            return faint and signature.contrast < slack * _DETAIL_NONE
        if not faint and difference.detail >= slack * _DETAIL_LEFT:
            return False
        gone = difference.changed >= CHANGED or difference.contrast < slack * _CONTRAST_NONE
        return gone or difference.detail < slack * _BLURRED * difference.contrast

    def _has_changed(self, difference: Difference) -> bool:
        limit = CHANGED_BACK if self._changed.open else CHANGED
        return difference.recoloured or difference.changed >= limit

    def _is_altered(
        self, signature: PictureSignature, difference: Difference | None, at_s: float, *, begins: bool
    ) -> bool:
        if difference is None or not self._has_changed(difference):
            return False
        return not (begins and self._has_become_usual(signature, at_s))

    def _has_become_usual(self, signature: PictureSignature, at_s: float) -> bool:
        """Whether another view is the usual one from now on, as earlier looks showed it too. Asked of the first
        picture of a look: in a longer one `_relearn` decides."""
        if self._other is None or not self._background.known:
            return False
        lasted = self._other.has_lasted(signature, at_s, LEARNT_AFTER_S)
        if lasted:
            self._background, self._other = self._other.view, OtherView.that_was_usual(self._background, at_s)
        return lasted

    def _follow_other(self, signature: PictureSignature, at_s: float, elapsed_s: float, *, changed: bool) -> None:
        if self._other is not None and self._other.is_outdated(at_s):
            self._other = None
        if changed and self._background.known:
            self._other = self._other or OtherView()
            self._other.observe(signature, at_s, elapsed_s)

    def _leave_usual(self, at_s: float) -> None:
        """Another view is the background from now on; this one is remembered for a while."""
        self._other = OtherView.that_was_usual(self._background, at_s)
        self._background = Background()

    def _is_known(self, signature: PictureSignature) -> bool:
        """Whether the bank was learnt from such a view. A view that differs from the start stays a changed scene."""
        if self._expectation is None or not self._background.known:
            return False
        difference = self._expectation.compare(signature)
        return difference is not None and difference.changed < CHANGED_BACK

    def _difference(self, signature: PictureSignature) -> Difference | None:
        if self._background.known or not self._expects or self._expectation is None:
            return self._background.compare(signature) if self._background.known else None
        difference = self._expectation.compare(signature)
        if difference is None or difference.changed < CHANGED_BACK:
            self._expects = False
            return None
        return difference

    def _learn(self, signature: PictureSignature, at_s: float, elapsed_s: float, *, unusual: bool) -> list[Condition]:
        if not unusual:
            self._background.learn(signature, elapsed_s)
            return []
        return self._relearn(signature, at_s, self._changed) if self._background.known else []

    def _learn_plain(self, signature: PictureSignature, at_s: float, elapsed_s: float) -> list[Condition]:
        """A plain view cannot be distinguished from a covered lens until things come and go in it."""
        if self._covered.open is None or not self._background.known:
            self._glimpses = None
            return []
        self._glimpses = self._glimpses or Glimpses()
        return (
            self._relearn(signature, at_s, self._covered) if self._glimpses.observe(signature, at_s, elapsed_s) else []
        )

    def _relearn(self, signature: PictureSignature, at_s: float, hysteresis: Hysteresis) -> list[Condition]:
        since_s = hysteresis.since_s
        if hysteresis.open is None or since_s is None or at_s - since_s < LEARNT_AFTER_S:
            return []
        self._background.forget()
        self._background.learn(signature, 0.0)
        return hysteresis.finish(at_s, learnt=True)

    def _jumps(self, signature: PictureSignature, elapsed_s: float) -> bool:
        cells = cell_means(signature.grey)
        if self._cells is None:
            self._cells = cells
            return False
        jump = float(np.median(np.abs(cells - self._cells)[self._part.cells])) if self._part.cells.any() else 0.0
        self._cells = self._cells + np.float32(min(1.0, elapsed_s / _LAG_S)) * (cells - self._cells)
        return jump >= _JUMP

    def _gate(self, at_s: float, unsettled_s: float) -> AlertGate:
        if unsettled_s:
            self._unsettled_until_s = max(self._unsettled_until_s, at_s + unsettled_s)
        if any(hysteresis.open for hysteresis in self._hystereses):
            return AlertGate.SUPPRESS
        return AlertGate.HOLD if at_s < self._unsettled_until_s else AlertGate.OPEN

    def _is_wrong(self, at_s: float, wrong_s: float) -> bool:
        if wrong_s:
            self._wrong_until_s = max(self._wrong_until_s, at_s + wrong_s)
        return at_s < self._wrong_until_s or any(hysteresis.open for hysteresis in self._hystereses)

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        return {
            "stillness": self._freeze.state(),
            "renewed": self._renewed,
            "steadiness": self._steadiness.state(),
            "expects": self._expects,
            "glimpses": self._glimpses.state() if self._glimpses else None,
            "usual": self._background.state(),
            "other": None if self._other is None else self._other.state(),
            "episodes": [hysteresis.state() for hysteresis in self._hystereses],
            "cells": None if self._cells is None else self._cells.ravel().tolist(),
            "last_s": self._last_s,
            "elapsed_s": self._elapsed_s,
            "unsettled_s": None if self._unsettled_until_s == float("-inf") else self._unsettled_until_s,
            "wrong_s": None if self._wrong_until_s == float("-inf") else self._wrong_until_s,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state, exactly. Raises `ValueError` for one that no pictures lead to."""
        self._freeze.restore(state["stillness"])
        self._renewed = bool(state.get("renewed"))  # unknown to earlier versions
        self._steadiness.restore(state["steadiness"])
        self._expects = bool(state["expects"])
        self._background.restore(state["usual"])
        if (other := state.get("other")) is not None:  # unknown to earlier versions
            self._other = OtherView()
            self._other.restore(other)
        if (glimpses := state.get("glimpses")) is not None:  # unknown to earlier versions
            self._glimpses = Glimpses()
            self._glimpses.restore(glimpses)
        for hysteresis, stored in zip(self._hystereses, state["episodes"], strict=True):
            hysteresis.restore(stored)
        cells = state["cells"]
        self._cells = None if cells is None else levels(np.asarray(cells, np.float64), CELLS)
        self._last_s = None if state["last_s"] is None else stored_time(state["last_s"])
        self._elapsed_s = stored_time(state.get("elapsed_s", 0.0))  # unknown to earlier versions
        self._unsettled_until_s = self._soon(state["unsettled_s"])
        self._wrong_until_s = self._soon(state.get("wrong_s", state["unsettled_s"]))  # unknown to earlier versions

    def _soon(self, until_s: Any) -> float:
        if until_s is None:
            return float("-inf")
        if (known_s := stored_time(until_s)) > (self._last_s or 0.0) + _SETTLES_S:
            raise ValueError(f"unsettled until {known_s}, far beyond the last picture")
        return known_s
