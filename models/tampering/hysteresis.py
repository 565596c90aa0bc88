"""From a yes or no for each frame to a condition with a beginning and an end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from models.alarms.event_detector import TOLERANCE_S
from models.tampering.condition import Condition, ConditionKind


class Hysteresis:
    """Opens once it was yes for ``opens_after_s`` without a break, closes once it was no for ``closes_after_s``."""

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
        """Take a frame; returns the condition when it opened or closed."""
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
        """Close what is open, and forget what was about to."""
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
        """Go on from a stored state."""
        self._since_s, self._over_since_s, opened_s = (None if value is None else float(value) for value in state)
        self._open = None
        if self._since_s is not None and opened_s is not None:
            self._open = Condition(self._kind, self._since_s, opened_s)
