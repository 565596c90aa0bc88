"""A condition of a camera's picture: when it opens and when it closes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from models.alarms.event_detector import TOLERANCE_S
from models.frames.optical_flow import MAX_GAP_S
from models.frames.stored_numbers import stored_share, stored_time

BLIND_AFTER_S = 30.0
_OVER_AFTER_S = 5.0
_AVERAGED_S = 10.0
_SILENT, _SPEAKING = 0.4, 0.2  # share of the time from which a camera is blind, and below which no longer
_AWAY_S = 600.0  # without a scored frame: start over


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

    def update(self, at_s: float, holds: bool) -> list[Condition]:
        """Take a frame, in which the condition ``holds`` or not; returns the condition when it opened or closed."""
        if self._open is not None:
            return self._follow(at_s, holds)
        if not holds:
            self._since_s = None
            return []
        self._since_s = at_s if self._since_s is None else self._since_s
        if at_s - self._since_s < self._opens_after_s - TOLERANCE_S:
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
        self._last_s: float | None = None

    def observe(self, at_s: float, *, silent: bool) -> list[Condition]:
        """Take a scored frame; ``silent``: a stream that never lacks evidence has none. Returns what changed."""
        changes, elapsed_s = self._after_gap(at_s), 0.0
        if self._last_s is not None:
            elapsed_s = at_s - self._last_s
        self._last_s = at_s
        share = 1.0 - math.exp(-elapsed_s / _AVERAGED_S)
        self._silent += share * (float(silent) - self._silent)
        self._interval_s += (share if self._interval_s else 1.0) * (elapsed_s - self._interval_s)
        limit = _SPEAKING if self._hysteresis.open else _SILENT
        return changes + self._hysteresis.update(at_s, self._silent >= limit)

    @property
    def detail(self) -> str:
        """For people: what is wrong, and what to do about it."""
        if self._interval_s > MAX_GAP_S:
            return (
                f"nothing can be seen to move: pictures come {self._interval_s:.1f} s apart, and movement is followed "
                f"over at most {MAX_GAP_S:g} s: raise the camera's frame rate, or its analysis rate (`fps`)"
            )
        return (
            f"nothing can be seen to move in {self._silent:.0%} of the pictures: they come at odd times, or the "
            "picture jumps: check the camera's stream"
        )

    def finish(self) -> list[Condition]:
        """No more frames for now: close the open condition, as of the last one."""
        closed = self._hysteresis.finish(self._last_s or 0.0)
        self._silent = self._interval_s = 0.0
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
            "last_s": self._last_s,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state. Raises `ValueError` for one that no frames lead to."""
        silent, interval_s, last_s = stored_share(state["silent"]), float(state["interval_s"]), state["last_s"]
        if not 0.0 <= interval_s <= _AWAY_S:
            raise ValueError(f"pictures {interval_s} s apart: out of bounds")
        self._hysteresis.restore(state["episode"])
        self._silent, self._interval_s = silent, interval_s
        self._last_s = None if last_s is None else stored_time(last_s)
