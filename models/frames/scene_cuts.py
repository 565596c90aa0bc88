"""Cuts: where one recording was joined to another, or a camera jumped, without any signal from the source."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.frames.frame import Frame
from models.frames.stored_numbers import stored_time
from models.frames.view import WHOLE, ViewMask

COLUMNS, ROWS = 64, 36  # of the small grey picture that is judged, whatever the frame's shape
GAP_S = 10.0  # pictures further apart are not compared here, nor by any stream
_SAMPLED = 3  # rows of a frame that make one of the small picture, at least
_TOLERANCE = 15  # grey levels
_EVEN = 15  # points within which light is even
_STRUCTURED = 0.4  # of what is missing: less, and it was light
_LIT, _LIT_ALIKE = 5.0, 0.93  # grey levels by which most of the picture changes; correlation of what it still shows
_REACH = 2  # points that things move between two pictures without being missed: 3 % of the width
_NEAR = 9  # points around what changed before: what is quick there is no surprise
_BESIDE = 1  # points around it: what is beyond them is elsewhere, and as many make one place of several
_EDGE = 3  # points along the border, over which things come and go
_ENTRY = 7  # points along it, within which something quick may stand at first
_TRACES = 0.0015  # of the picture: less is not looked at; docs/decisions/031-cuts.md has the figures for all of these
SELDOM_S = 0.5  # of pictures so far apart, whatever moves is farther than within reach: only many movers count
_MANY_PLACES = 8
_COMPARABLE = 0.4  # of what was missing before: as much is missing while one and the same thing goes on
_HALF_LIFE_S = 30.0  # in which the camera's own movements are forgotten
_APART_S = 1.0  # what comes again sooner is movement
_WARM_UP_S = 2.0  # without which nothing is known of them; a picture counts as half a second of it at most

Mask = NDArray[np.uint8]
Levels = Any  # of uint8 or, without its light, float32 (36, 64)


class SceneCuts:
    """Finds the cuts in one camera's pictures, from its pictures so far. The background may stay the same: at a cut
    movers vanish and others appear, where nothing alike was within reach a moment before.

    How much of that is ordinary is learnt as it goes. `state` after a picture is all that the next one needs.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits
        self._forget()

    def _forget(self) -> None:
        self._before: Mask | None = None
        self._moved: Mask = np.zeros((ROWS, COLUMNS), np.uint8)  # where the last two pictures differed
        self._surprise = Surprise(self._limits)
        self._last_s = 0.0

    def mark(self, frame: Frame, mask: ViewMask = WHOLE) -> Frame:
        """The frame; where it follows a cut, marked as one and as a discontinuity. What changes in parts that ``mask``
        ignores is no cut."""
        if frame.discontinuity or not 0.0 < frame.at_s - self._last_s <= GAP_S:
            self._forget()
        now, before = _without_ignored(small(frame.grey), mask), self._before
        elapsed_s, self._last_s, self._before = frame.at_s - self._last_s, frame.at_s, now
        if before is None:
            return frame
        change, self._moved = compare(before, now, self._moved)
        if not self._surprise.follow(change, elapsed_s):
            return frame
        return replace(frame, discontinuity=True, cut=True)

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes; about 4 kB."""
        return {
            "before": None if self._before is None else b64encode(self._before.tobytes()).decode(),
            "moved": b64encode(np.packbits(self._moved).tobytes()).decode(),
            "last_s": self._last_s,
            **self._surprise.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state, exactly. Raises `ValueError` for one that no pictures lead to."""
        before, surprise = state["before"], Surprise(self._limits)
        picture = None if before is None else _picture(np.frombuffer(b64decode(before), np.uint8))
        moved = _picture(np.unpackbits(np.frombuffer(b64decode(state["moved"]), np.uint8)))
        surprise.restore(state)
        self._before, self._moved, self._surprise = picture, moved, surprise
        self._last_s = stored_time(state["last_s"])


def small(grey: NDArray[np.uint8]) -> Mask:
    """The small picture of a grey one, uint8 (36, 64)."""
    step = max(1, len(grey) // (_SAMPLED * ROWS))  # spares two thirds of the time
    return np.asarray(cv2.resize(grey[::step], (COLUMNS, ROWS), interpolation=cv2.INTER_AREA), np.uint8)


def _without_ignored(now: Mask, mask: ViewMask) -> Mask:
    return now if mask.whole else np.asarray(now * (1 - mask.ignored(COLUMNS, ROWS)), np.uint8)


def compare(before: Mask, now: Mask, moved: Mask) -> tuple[Change, Mask]:
    """What changed between two small pictures, and where anything did, uint8 (36, 64). ``moved``: where it did
    before."""
    moves, missing = (cv2.absdiff(before, now) > _TOLERANCE).astype(np.uint8), _missing(before, now)
    if _inside(missing, _EDGE) > _TRACES and _is_light(before, now, int(missing.sum())):
        missing = _missing(_structure(before), _structure(now))  # what came or went all the same
    unexplained = _inside(missing, _EDGE)
    if unexplained <= _TRACES:
        return Change(unexplained, 0.0), moves
    unforeseen = _inside(missing * (cv2.dilate(moved, _square(_NEAR)) == 0), _ENTRY)
    elsewhere = _inside(missing * (cv2.dilate(moved, _square(_BESIDE)) == 0), _EDGE)
    places = int(cv2.connectedComponents(cv2.dilate(missing, _square(_BESIDE)))[0]) - 1  # the first is the rest
    return Change(unexplained, unforeseen, places, elsewhere / unexplained), moves


def _inside(points: Levels, edge: int) -> float:
    """Share of the picture that they are, without those along its border."""
    return float(points[edge:-edge, edge:-edge].sum() / points.size)


def _missing(before: Levels, now: Levels) -> Levels:
    """How many of the two, 0 to 2, show at each point what the other has nowhere within reach."""
    return _beyond_reach(before, now) + _beyond_reach(now, before)


def _is_light(before: Levels, now: Levels, missing: int) -> bool:
    """Whether what is ``missing`` is light that came or went: most of it is gone without what lies as evenly over the
    picture as light does; or most of the picture became lighter or darker at once and shows the same."""
    here, there = _structure(before), _structure(now)
    if float(_missing(here, there).sum()) < _STRUCTURED * missing:
        return True
    change = cv2.absdiff(cv2.blur(before, (_EVEN, _EVEN)), cv2.blur(now, (_EVEN, _EVEN)))
    alike = float(np.vdot(here, there)) / (float(np.linalg.norm(here) * np.linalg.norm(there)) + 1.0)
    return float(np.median(change)) > _LIT and alike >= _LIT_ALIKE


def _structure(grey: Levels) -> Levels:
    return cv2.subtract(grey, cv2.blur(grey, (_EVEN, _EVEN)), dtype=cv2.CV_32F)


def _beyond_reach(here: Levels, there: Levels) -> Levels:
    """1 where ``there`` is like nothing within reach in ``here``, else 0."""
    lightest, darkest = cv2.dilate(here, _square(_REACH)), cv2.erode(here, _square(_REACH))
    lighter, darker = cv2.subtract(there, lightest), cv2.subtract(darkest, there)
    return (cv2.max(lighter, darker) > _TOLERANCE).astype(np.uint8)


def _square(reach: int) -> Mask:
    return np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)


def _picture(values: NDArray[np.uint8]) -> Mask:
    return values[: ROWS * COLUMNS].reshape(ROWS, COLUMNS)


@dataclass(frozen=True)
class Change:
    """Shares of the picture that appeared or went. ``unexplained``: farther than anything alike had been.
    ``unforeseen``: of that, what is also far from where anything moved before. ``places``: in how many.
    ``elsewhere``: the share of it that is not where something moved just before."""

    unexplained: float
    unforeseen: float
    places: int = 0
    elsewhere: float = 0.0


@dataclass(frozen=True)
class Limits:
    """What surprises: chosen by bench/cuts.py, each scene's figures by limits that it had no part in.

    ``least_...``: shares of the picture, gone and come together; less matters to no stream. ``times_...``: of what the
    camera's own movements came to lately. ``places``: where movers are many, some vanish and others appear among
    them; a lorry is one. ``elsewhere``: less, and it is what moved already, only faster.
    """

    least_unforeseen: float = 0.003
    least_unexplained: float = 0.004
    times_unforeseen: float = 1.5
    times_unexplained: float = 2.5
    places: int = 2
    elsewhere: float = 0.05


class Surprise:
    """Learns what is ordinary as it goes: a lorry that fills the picture teaches it, and what comes again within a
    second is movement. `state` after a change is all that the next one needs."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._usual = Change(0.0, 0.0)  # the most, forgotten slowly
        self._doubtful: Change | None = None  # that surprised lately
        self._doubted_s = 0.0  # since then
        self._followed_s = 0.0  # until the warm-up is over

    def follow(self, change: Change, elapsed_s: float) -> bool:
        """Take the change between two pictures ``elapsed_s`` apart; returns whether it surprises."""
        exceeds = self._exceeds(change, elapsed_s > SELDOM_S)
        kept = 0.5 ** (elapsed_s / _HALF_LIFE_S)
        self._usual = Change(self._usual.unexplained * kept, self._usual.unforeseen * kept)
        self._doubted_s += elapsed_s
        warm = self._followed_s >= _WARM_UP_S - 1e-6
        self._followed_s = min(_WARM_UP_S, self._followed_s + min(elapsed_s, SELDOM_S))
        if warm and exceeds:
            return self._doubt(change)
        self._learn(change)
        return False

    def _exceeds(self, change: Change, seldom: bool) -> bool:
        usual, limits = self._usual, self._limits
        if not seldom and change.unforeseen > max(
            limits.least_unforeseen, limits.times_unforeseen * usual.unforeseen
        ):  # fmt: skip
            return True
        if change.places < (_MANY_PLACES if seldom else limits.places) or change.elsewhere < limits.elsewhere:
            return False
        return change.unexplained > max(limits.least_unexplained, limits.times_unexplained * usual.unexplained)

    def _doubt(self, change: Change) -> bool:
        before, self._doubtful = self._doubtful, change
        doubted_s, self._doubted_s = self._doubted_s, 0.0
        if before is None or doubted_s > _APART_S:
            return True
        self._learn(change)
        if change.unexplained > _COMPARABLE * before.unexplained:
            self._learn(before)
        return False

    def _learn(self, change: Change) -> None:
        usual = self._usual
        self._usual = Change(
            max(usual.unexplained, change.unexplained), max(usual.unforeseen, change.unforeseen)
        )  # fmt: skip

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        doubtful = self._doubtful
        return {
            "usual": [self._usual.unexplained, self._usual.unforeseen],
            "doubtful": None if doubtful is None else [doubtful.unexplained, doubtful.unforeseen],
            "doubted_s": self._doubted_s,
            "followed_s": self._followed_s,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state, exactly. Raises `ValueError` for one that no changes lead to."""
        usual, doubtful = _change(state["usual"]), state["doubtful"]
        doubted_s, followed_s = float(state["doubted_s"]), float(state["followed_s"])
        if not (0.0 <= doubted_s < float("inf") and 0.0 <= followed_s <= _WARM_UP_S):
            raise ValueError(f"a stored doubt of {doubted_s} s ago, pictures of {followed_s} s: out of bounds")
        self._doubtful = None if doubtful is None else _change(doubtful)
        self._usual, self._doubted_s, self._followed_s = usual, doubted_s, followed_s


def _change(stored: list[Any]) -> Change:
    unexplained, unforeseen = (float(share) for share in stored)
    if not (0.0 <= unexplained <= 2.0 and 0.0 <= unforeseen <= 2.0):
        raise ValueError(f"a stored change of {stored}: both are shares")
    return Change(unexplained, unforeseen)
