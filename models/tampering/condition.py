"""Conditions of a camera's picture: when one opens and closes, and what shows that a picture stands still, shakes, is
barred by light, or comes too seldom. The detector puts them together."""

from __future__ import annotations

import math
from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.alarms.event_detector import TOLERANCE_S
from models.frames.optical_flow import MAX_GAP_S
from models.frames.stored_numbers import stored_share, stored_time
from models.tampering.judged_cells import ALL_CELLS, CELLS
from models.tampering.signature import GRID, Background, cell_means

BLIND_AFTER_S = 30.0
_OVER_AFTER_S = 5.0
_AVERAGED_S = 10.0
_SILENT, _SPEAKING = 0.4, 0.2  # share of the time from which a camera is blind, and below which no longer
_OVERLOADED = 0.3  # of that share: then it is the machine, not the camera
_AWAY_S = 600.0  # without a scored frame: start over
_SHORT_VIEW_S = 3.0  # the first second of a view is silence to whoever averages over one: a third of the time, or more
_MOST_JUMPS_PER_S = 1000.0  # frames of one camera come at most a millisecond apart
_STRUCTURED = 1.0  # mean square gradient of a cell, across and down, from which its displacement can be measured
_LEAST_CELLS = 5
_AGREE = 0.5  # share of such cells that move alike
_APART = 0.1  # points of the grid by which those may differ
_SHAKES = 0.05  # points between two pictures: one of 640 across
_BARS = 0.02  # of the light, between two pictures: of the rows
_ROUGH = 0.5  # of that, what is left within the rows
_OFTEN = 0.3  # share of the pictures, lately
_JITTER_AVERAGED_S = 2.0
_MOST_OF_ONE = 0.1  # share that one picture counts for: of those that come seldom, ten count, however long that is
_LEAST_ROWS = 9  # of the grid: half
_DARK = 8.0  # grey levels added before light is compared
_REMEMBERED = 8  # a frozen picture that is encoded again with each key frame goes through a few versions, over and over
_WHOLE = CELLS[0] * CELLS[1]
_OVERLAY = _WHOLE // 3  # cells: what an encoder changes for a clock, and around it; of a live picture, all change


class ConditionKind(StrEnum):
    """What is wrong with the picture as a whole."""

    FROZEN = "frozen"  # frames arrive, the picture does not change
    COVERED = "covered"  # black, or without any detail
    SCENE_CHANGED = "scene_changed"  # another view, or an infrared switch
    BLIND = "blind"  # pictures come, but no anomaly could be seen in them
    SHAKING = "shaking"  # the picture as a whole moves to and fro
    FLICKERING = "flickering"  # bars of light roll through it


@dataclass(frozen=True)
class Condition:
    """Times in seconds on the frames' clock; ``ended_s`` is None while it lasts. ``learnt``: it ended because what
    it began with is the usual picture now."""

    kind: ConditionKind
    started_s: float
    opened_s: float
    ended_s: float | None = None
    learnt: bool = False


class Hysteresis:
    """Opens after ``opens_after_s`` in which the condition held, closes after ``closes_after_s`` without it."""

    def __init__(self, kind: ConditionKind, opens_after_s: float, closes_after_s: float) -> None:
        self._kind = kind
        self._opens_after_s = opens_after_s
        self._closes_after_s = closes_after_s
        self._since_s: float | None = None  # of the yes, or of the open condition
        self._over_since_s: float | None = None
        self._open: Condition | None = None

    @property
    def open(self) -> Condition | None:
        return self._open

    @property
    def since_s(self) -> float | None:
        """When it began, open or about to."""
        return self._since_s

    def update(self, at_s: float, holds: bool, opens_after_s: float | None = None) -> list[Condition]:
        """Take a frame, in which the condition ``holds`` or not; returns the condition when it opened or closed.
        ``opens_after_s``: with the evidence so far, where that is not the usual time."""
        if self._open is not None:
            return self._follow(at_s, holds)
        if not holds:
            self._since_s = None
            return []
        self._since_s = at_s if self._since_s is None else self._since_s
        wait_s = self._opens_after_s if opens_after_s is None else opens_after_s
        if at_s - self._since_s < wait_s - TOLERANCE_S:
            return []
        self._open, self._over_since_s = Condition(self._kind, self._since_s, at_s), None
        return [self._open]

    def finish(self, at_s: float, *, learnt: bool = False) -> list[Condition]:
        """Close the open condition, and forget one that was about to open."""
        closed = [replace(self._open, ended_s=at_s, learnt=learnt)] if self._open else []
        self._open = self._since_s = self._over_since_s = None
        return closed

    def _follow(self, at_s: float, holds: bool) -> list[Condition]:
        if holds:
            self._over_since_s = None
            return []
        self._over_since_s = at_s if self._over_since_s is None else self._over_since_s
        if at_s - self._over_since_s < self._closes_after_s - TOLERANCE_S:
            return []
        return self.finish(self._over_since_s)

    def state(self) -> list[float | None]:
        """JSON values that `restore` takes."""
        return [self._since_s, self._over_since_s, self._open.opened_s if self._open else None]

    def restore(self, state: list[Any]) -> None:
        """Go on from a stored state. Raises `ValueError` or `TypeError` for one that no frames lead to."""
        self._since_s, self._over_since_s, opened_s = (None if value is None else stored_time(value) for value in state)
        self._open = None
        if self._since_s is not None and opened_s is not None:
            self._open = Condition(self._kind, self._since_s, opened_s)


class Blindness:
    """Follows the scored frames of one camera. Its `state` after a frame is all that the next one needs."""

    def __init__(self) -> None:
        self._hysteresis = Hysteresis(ConditionKind.BLIND, BLIND_AFTER_S, _OVER_AFTER_S)
        self._silent = 0.0  # share of the time, lately
        self._interval_s = 0.0  # between frames, lately
        self._jumps_per_s = 0.0  # lately
        self._missed = 0.0  # share of the time, lately, from which frames were dropped here
        self.overloaded = False  # whether that is a good part, since this machine does not keep up
        self._last_s: float | None = None

    def observe(self, at_s: float, *, silent: bool, jumped: bool = False, missed: bool = False) -> list[Condition]:
        """Take a scored frame; ``silent``: a stream that never lacks evidence has none. ``jumped``: a view begins with
        it, after a cut or without a connection. ``missed``: frames before it were dropped, as this machine did not keep
        up. Returns what changed."""
        changes, elapsed_s = self._after_gap(at_s), 0.0
        if self._last_s is not None:
            elapsed_s = at_s - self._last_s
        self._last_s = at_s
        share = 1.0 - math.exp(-elapsed_s / _AVERAGED_S)
        self._silent += share * (float(silent) - self._silent)
        self._missed += share * (float(missed) - self._missed)
        self.overloaded = self._missed >= _OVERLOADED
        self._interval_s += (share if self._interval_s else 1.0) * (elapsed_s - self._interval_s)
        if elapsed_s > 0.0:
            jumps_per_s = min(float(jumped) / elapsed_s, _MOST_JUMPS_PER_S)
            self._jumps_per_s += share * (jumps_per_s - self._jumps_per_s)
        limit = _SPEAKING if self._hysteresis.open else _SILENT
        return changes + self._hysteresis.update(at_s, self._silent >= limit)

    @property
    def detail(self) -> str:
        """For people: what is wrong, and what to do about it."""
        if self.overloaded:
            return (
                "this machine cannot keep up: it drops pictures before they are analysed, and one every "
                f"{self._interval_s:.1f} s is left, too few to see movement: give it fewer cameras, or run `patchwatch "
                "run inference` on another machine too"
            )
        if self._interval_s > MAX_GAP_S:
            return (
                f"nothing can be seen to move: pictures come {self._interval_s:.1f} s apart, and movement is followed "
                f"over at most {MAX_GAP_S:g} s: raise the camera's frame rate, or its analysis rate (`fps`)"
            )
        if self._jumps_per_s * _SHORT_VIEW_S > 1.0:
            return self._detail_of_jumps()
        return (
            f"nothing can be seen to move in {self._silent:.0%} of the pictures: they come at odd times: check the "
            "camera's stream"
        )

    def _detail_of_jumps(self) -> str:
        view_s = 1.0 / self._jumps_per_s
        jumps = f"the picture jumps about every {view_s:.1f} s (cuts, a touring camera, a connection that breaks)"
        if self._interval_s >= _SILENT * view_s:
            return f"nothing can be seen to move in {self._silent:.0%} of the pictures: {jumps}: check its stream"
        return (
            f"how places look cannot be judged in {self._silent:.0%} of the pictures: {jumps}, and a view must last a "
            "second first: let it stay longer on each view, or let movement alone count with `patchwatch cameras "
            "update CAMERA --mute place`"
        )

    def finish(self) -> list[Condition]:
        """No more frames for now: close the open condition, as of the last one."""
        closed = self._hysteresis.finish(self._last_s or 0.0)
        self._silent = self._interval_s = self._jumps_per_s = self._missed = 0.0
        self.overloaded = False
        self._last_s = None
        return closed

    def _after_gap(self, at_s: float) -> list[Condition]:
        if self._last_s is None or 0.0 <= at_s - self._last_s <= _AWAY_S:
            return []
        return self.finish()

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        return {
            "episode": self._hysteresis.state(),
            "silent": self._silent,
            "interval_s": self._interval_s,
            "jumps_per_s": self._jumps_per_s,
            "missed": self._missed,
            "last_s": self._last_s,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state. Raises `ValueError` for one that no frames lead to."""
        silent, interval_s, last_s = stored_share(state["silent"]), float(state["interval_s"]), state["last_s"]
        jumps_per_s = float(state.get("jumps_per_s", 0.0))  # unknown to earlier versions
        if not (0.0 <= interval_s <= _AWAY_S and 0.0 <= jumps_per_s <= _MOST_JUMPS_PER_S):
            raise ValueError(f"pictures {interval_s} s apart, {jumps_per_s} jumps a second: out of bounds")
        self._hysteresis.restore(state["episode"])
        self._silent, self._interval_s, self._jumps_per_s = silent, interval_s, jumps_per_s
        self._missed = stored_share(state.get("missed", 0.0))  # unknown to earlier versions
        self.overloaded = self._missed >= _OVERLOADED
        self._last_s = None if last_s is None else stored_time(last_s)


@dataclass(frozen=True)
class Unsteady:
    """``now``: the picture moved or was barred as a whole, against the one before; the others: that was often so
    lately."""

    now: bool = False
    shakes: bool = False
    flickers: bool = False


class Steadiness:
    """Compares coarse pictures, float32 (18, 32), with the usual one. Its `state` is all that the next one needs."""

    def __init__(self) -> None:
        self._place: tuple[float, float] | None = None  # of the last picture, in points of the grid
        self._light: NDArray[np.float32] | None = None  # its logarithm, of each point, against the usual
        self._shaken = self._barred = 0.0  # share of the pictures, lately

    def observe(
        self,
        grey: NDArray[np.float32],
        background: Background | None,
        elapsed_s: float,
        judged: NDArray[np.bool_] = ALL_CELLS,
    ) -> Unsteady:
        """Take a picture; without a usual one, nothing is said. Only the ``judged`` cells, bool (6, 8), count."""
        before, lit = self._place, self._light
        if background is None:
            self._place = self._light = None
            self._shaken = self._barred = 0.0
            return Unsteady()
        self._place = _displacement(grey, background, judged)
        self._light = np.log((grey + _DARK) / (background.grey + _DARK)).astype(np.float16).astype(np.float32)
        barred = lit is not None and _rolls(self._light - lit, judged)
        moved = not barred and before is not None and self._place is not None
        shaken = moved and math.dist(before or (0.0, 0.0), self._place or (0.0, 0.0)) >= _SHAKES
        share = min(_MOST_OF_ONE, 1.0 - math.exp(-elapsed_s / _JITTER_AVERAGED_S))
        self._shaken += share * (float(shaken) - self._shaken)
        self._barred += share * (float(barred) - self._barred)
        return Unsteady(shaken or barred, self._shaken >= _OFTEN, self._barred >= _OFTEN)

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        light = None if self._light is None else b64encode(self._light.astype(np.float16).tobytes()).decode()
        return {"place": self._place, "light": light, "shares": [self._shaken, self._barred]}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state. Raises `ValueError` for one that no pictures lead to."""
        place, light, (shaken, barred) = state["place"], state["light"], state["shares"]
        levels = None if light is None else np.frombuffer(b64decode(light), np.float16).astype(np.float32).reshape(GRID)
        if levels is not None and not (np.abs(levels) < 10).all():
            raise ValueError("light out of bounds")
        if not (0.0 <= shaken <= 1.0 and 0.0 <= barred <= 1.0):
            raise ValueError(f"shares of {state['shares']} are out of bounds")
        self._place = None if place is None else (float(place[0]), float(place[1]))
        self._light, self._shaken, self._barred = levels, float(shaken), float(barred)


def _displacement(
    grey: NDArray[np.float32], background: Background, judged: NDArray[np.bool_]
) -> tuple[float, float] | None:
    """By how much the picture is moved, where most of its cells agree; None where they do not, or show too little.

    Least squares in each cell (Lucas and Kanade, 1981), then the median: what moves in the scene is outvoted.
    """
    across, down = background.structure.across, background.structure.down
    change = grey - background.grey
    change -= cell_means(change).repeat(GRID[0] // CELLS[0], 0).repeat(GRID[1] // CELLS[1], 1)
    xx, xy, yy = cell_means(across * across), cell_means(across * down), cell_means(down * down)
    xt, yt = cell_means(across * change), cell_means(down * change)
    counted = (xx > _STRUCTURED) & (yy > _STRUCTURED) & (xx * yy - xy * xy > 0.3 * xx * yy) & judged
    if int(counted.sum()) < _LEAST_CELLS:
        return None
    spread = (xx * yy - xy * xy)[counted]
    x = ((xy * yt - yy * xt)[counted]) / spread
    y = ((xy * xt - xx * yt)[counted]) / spread
    place = float(_median(x)), float(_median(y))
    near = np.hypot(x - place[0], y - place[1]) <= _APART + 0.5 * math.hypot(*place)
    return place if float(near.mean()) >= _AGREE else None


def _rolls(change: NDArray[np.float32], judged: NDArray[np.bool_] = ALL_CELLS) -> bool:
    """Whether most of what changed is alike within each row, and differs between rows: a sensor is read row by row.

    Where some cells are not judged, the rows that are judged from side to side are looked at, if those are enough.
    """
    if not judged.all():
        change = change[np.repeat(judged.all(axis=1), GRID[0] // CELLS[0])]
    if len(change) < _LEAST_ROWS:
        return False
    middles = _median(change)
    rows = _without_parabola(len(middles)) @ middles  # that is the sun's
    bars = float(_median(np.abs(rows - _median(rows))))
    return bars >= _BARS and float(_median(np.abs(change - middles[:, None]).ravel())) <= _ROUGH * bars


@cache
def _without_parabola(points: int) -> NDArray[np.float64]:
    """What takes the parabola that fits best (least squares) out of so many values, (points, points)."""
    basis, _ = np.linalg.qr(np.vander(np.arange(points, dtype=np.float64), 3))
    return np.asarray(np.eye(points) - basis @ basis.T)


def _median(values: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Along the last axis. Of these few, sorting takes a fraction of the time of ``np.median``, which looks for NaN."""
    ordered, count = np.sort(values, axis=-1), values.shape[-1]
    return np.asarray((ordered[..., (count - 1) // 2] + ordered[..., count // 2]) / 2)


class FreezeDetector:
    """Compares exactly, cell by cell: the noise of a sensor makes each picture another one, however little happens in
    the scene. What is written over a part of the picture may go on changing."""

    def __init__(self) -> None:
        self._seen = np.zeros((_WHOLE, _REMEMBERED), np.uint32)
        self._next = np.zeros(_WHOLE, np.uint8)  # where each cell's next digest goes
        self._touched = np.zeros(CELLS, np.bool_)  # new since the picture stands still

    def repeats(self, digests: NDArray[np.uint32], judged: NDArray[np.bool_] = ALL_CELLS) -> bool:
        """Whether the picture shows what it lately showed, but for an overlay. ``digests``: uint32 (48,). Only the
        ``judged`` cells, bool (6, 8), count."""
        new = ~(self._seen == digests[:, None]).any(axis=1)
        cells = np.nonzero(new)[0]
        self._seen[cells, self._next[cells]] = digests[cells]
        self._next[cells] = (self._next[cells] + 1) % _REMEMBERED
        touched = self._touched | (new.reshape(CELLS) & judged)
        if judged.any() and int(touched.sum()) <= int(judged.sum()) * _OVERLAY // _WHOLE:
            self._touched = touched
            return True
        self._touched = np.zeros(CELLS, np.bool_)
        return False

    def state(self) -> list[str]:
        """JSON values that `restore` takes."""
        return [b64encode(part.tobytes()).decode() for part in (self._seen, self._next, self._touched)]

    def restore(self, state: list[Any]) -> None:
        """Go on from a stored state. Raises `ValueError` for one that no pictures lead to."""
        seen, following, touched = (b64decode(part) for part in state)
        places = np.frombuffer(following, np.uint8).reshape(_WHOLE).copy()
        if (places >= _REMEMBERED).any():
            raise ValueError("digests out of bounds")
        self._seen = np.frombuffer(seen, np.uint32).reshape(_WHOLE, _REMEMBERED).copy()
        self._touched = np.frombuffer(touched, np.bool_).reshape(CELLS).copy()
        self._next = places
