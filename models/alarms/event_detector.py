"""Event logic: when a run of scores becomes an event, and when the event is over."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, ConfigDict, TypeAdapter
from typing_extensions import TypedDict

from models.frames.frame import Box
from models.frames.optical_flow import MAX_GAP_S
from models.frames.stored_numbers import stored_share, stored_time

# Checked when a stored state is read: an alert must be able to name them.
_TimeS = Annotated[float, AfterValidator(stored_time)]
_Score = Annotated[float, AfterValidator(stored_share)]
Seconds = float | NDArray[np.float64]
TOLERANCE_S = 1e-3  # frame times are floating point: 0.6 - 0.2 < 0.4
# Of a view that begins, or begins anew after a cut or a gap, no event opens for so long: streams average over windows
# of up to a second, so its first scores vary the more. Callers hold the gate; counts of events leave this time out.
OPENS_AFTER_S = 1.0


def begins_anew(step_s: Seconds, before_s: Seconds) -> Any:
    """Whether, or where, streams that look back have nothing to look back at any more: after a step to the next frame
    that none of them compares across, if the step before was none such. Where all are, nothing looks back."""
    return (step_s > MAX_GAP_S) & (before_s <= MAX_GAP_S)


class AlertGate(StrEnum):
    """Whether a frame's score may open an event, given the condition of the picture. The score is always computed."""

    OPEN = "open"
    HOLD = "hold"  # the whole picture is in transition: an open event stays open, no event opens
    SUPPRESS = "suppress"  # a condition of the picture lasts: an open event closes, no event opens


@dataclass(frozen=True)
class EventRule:
    """Opens once the score has stayed at or above ``on`` for ``min_duration_s``; closes once it has stayed below
    ``off`` for ``cooldown_s``, or when no frame came for ``gap_s``.

    The cooldown works by closing late, not by looking away: what happens within it belongs to the same event, so
    a flickering score yields one alert and nothing is missed.
    """

    on: float
    off: float
    min_duration_s: float = 0.2
    cooldown_s: float = 5.0
    gap_s: float = 10.0

    def __post_init__(self) -> None:
        if not 0 <= self.off <= self.on <= 1:
            raise ValueError(f"thresholds must satisfy 0 <= off <= on <= 1, not off={self.off}, on={self.on}")


class Phase(StrEnum):
    """QUIET -> RISING -> OPEN -> FADING -> QUIET; RISING may fall back, FADING may return to OPEN."""

    QUIET = "quiet"
    RISING = "rising"
    OPEN = "open"
    FADING = "fading"


@dataclass(frozen=True)
class Event:
    """A departure from normal. Times in seconds on the frames' clock; ``ended_s`` is None while it lasts.

    ``ended_s`` is the last time the score stood at or above ``off``. ``stream`` and ``box_xyxy_px`` are those at the
    peak.
    """

    started_s: _TimeS
    opened_s: _TimeS
    peak_s: _TimeS
    peak_score: _Score
    stream: str | None
    box_xyxy_px: Box | None
    ended_s: _TimeS | None = None

    __pydantic_config__: ClassVar = ConfigDict(allow_inf_nan=False)  # of states that are restored


class EventDetector:
    """Follows the scores of one camera. Where its clock was set back, what is open is closed."""

    def __init__(self, rule: EventRule) -> None:
        self.rule = rule  # may be replaced at any time: an open event goes on under the new one
        self.phase = Phase.QUIET
        self._event: Event | None = None  # a candidate while RISING
        self._last_s: float | None = None
        self._last_high_s = 0.0

    @property
    def open_event(self) -> Event | None:
        return self._event if self.phase in (Phase.OPEN, Phase.FADING) else None

    def update(
        self, at_s: float, score: float, stream: str | None, box: Box | None, gate: AlertGate = AlertGate.OPEN
    ) -> list[Event]:
        """Take one score; returns what changed: opened, peak raised, closed (``ended_s`` set), in order.

        Raises ValueError, without any change of state, unless both numbers are finite.
        """
        if not (math.isfinite(at_s) and math.isfinite(score)):  # a NaN is below no threshold: it would open an event
            raise ValueError(f"a score of {score} at {at_s} s: both must be finite")
        changes = []
        if self._last_s is not None and not 0.0 <= at_s - self._last_s <= self.rule.gap_s:
            changes += self.finish()
        self._last_s = at_s
        if gate is not AlertGate.OPEN:
            return changes + self._gated(gate)
        if self.phase in (Phase.QUIET, Phase.RISING):
            return changes + self._rise(at_s, score, stream, box)
        return changes + self._follow(at_s, score, stream, box)

    def finish(self) -> list[Event]:
        """No more frames for now: close what is open."""
        closed = []
        if self.open_event is not None:
            closed = [replace(self.open_event, ended_s=self._last_high_s)]
        self.phase, self._event = Phase.QUIET, None
        return closed

    def _gated(self, gate: AlertGate) -> list[Event]:
        """`AlertGate.HOLD` leaves an open event as it is, `AlertGate.SUPPRESS` closes it. No event opens or rises."""
        return [] if gate is AlertGate.HOLD and self.open_event else self.finish()

    def _rise(self, at_s: float, score: float, stream: str | None, box: Box | None) -> list[Event]:
        if score < self.rule.on:
            self.phase, self._event = Phase.QUIET, None
            return []
        self._last_high_s = at_s
        if self._event is None:
            self.phase, self._event = Phase.RISING, Event(at_s, at_s, at_s, score, stream, box)
        self._raise_peak(at_s, score, stream, box)
        if at_s - self._event.started_s < self.rule.min_duration_s - TOLERANCE_S:
            return []
        self.phase, self._event = Phase.OPEN, replace(self._event, opened_s=at_s)
        return [self._event]

    def _follow(self, at_s: float, score: float, stream: str | None, box: Box | None) -> list[Event]:
        if score >= self.rule.off:
            self.phase, self._last_high_s = Phase.OPEN, at_s
            return [self._event] if self._raise_peak(at_s, score, stream, box) and self._event else []
        self.phase = Phase.FADING
        return self.finish() if at_s - self._last_high_s >= self.rule.cooldown_s - TOLERANCE_S else []

    def _raise_peak(self, at_s: float, score: float, stream: str | None, box: Box | None) -> bool:
        if self._event is None or score <= self._event.peak_score:
            return False
        self._event = replace(self._event, peak_s=at_s, peak_score=score, stream=stream, box_xyxy_px=box)
        return True

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        return {
            "phase": self.phase.value,
            "event": asdict(self._event) if self._event else None,
            "last_s": self._last_s,
            "last_high_s": self._last_high_s,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state. Raises ValueError, KeyError or TypeError when it is none."""
        stored = _STORED.validate_python(state)
        if (stored["event"] is None) is not (stored["phase"] is Phase.QUIET):
            raise ValueError(f"phase {stored['phase']} with the event {stored['event']}")
        self.phase, self._event = stored["phase"], stored["event"]
        self._last_s, self._last_high_s = stored["last_s"], stored["last_high_s"]


class _Stored(TypedDict):
    __pydantic_config__ = ConfigDict(allow_inf_nan=False)  # type: ignore[misc]

    phase: Phase
    event: Event | None
    last_s: _TimeS | None
    last_high_s: _TimeS


_STORED = TypeAdapter(_Stored)
