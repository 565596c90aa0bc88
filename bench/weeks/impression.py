"""What a camera made of one visit: how high it scored, against which level, and whether an event could open."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from patchwatch.messages.frames.score import Score, ScoreGate


@dataclass
class Impression:
    """Of the frames of one visit that were scored. ``peak``: the highest score with a gate that lets events open, and
    ``level`` that at which one would have opened then. ``stated``: false alarms a day as the camera states them at the
    beginning of the visit, lowest, expected and highest. ``shut``: frames whose gate kept events shut."""

    peak: float | None = None
    level: float | None = None
    stream: str | None = None
    stated: tuple[float, float, float] | None = None
    frames: int = 0
    shut: int = 0
    over: Counter[str] = field(default_factory=Counter)  # frames over the level by what they are most about

    def take(self, score: Score, level: float) -> None:
        """The next frame, and the level that its score was held against."""
        self.frames += 1
        if score.gate is not ScoreGate.OPEN:
            self.shut += 1
            return
        self.over.update([score.driver or "nothing"] if score.score >= level else [])
        if self.peak is None or self.level is None or score.score - level > self.peak - self.level:
            self.peak, self.level, self.stream = score.score, level, score.driver

    def facts(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "peak": _rounded(self.peak), "level": _rounded(self.level), "stream": self.stream,
            "shut": round(self.shut / self.frames, 2) if self.frames else None, "over": dict(self.over),
        }  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
