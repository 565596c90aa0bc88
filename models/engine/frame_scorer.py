"""From the features of a frame to its score and events: one analyzer per camera."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.alarms.calibration import NEUTRAL_RARITY, score_of
from models.alarms.event_detector import AlertGate, Box, Event, EventDetector, EventRule
from models.banks.bank import Bank, StreamDistance, frame_distance
from models.frames.frame import Features
from models.profiles.fusion import CausalGaussian, driver, fuse
from models.profiles.profile import NEVER_SILENT
from patchwatch.contract.errors import NonFiniteScoreError


@dataclass(frozen=True)
class FrameScore:
    """What is said of one frame.

    ``raw``: fused value, neither smoothed nor bounded (in the unit of the profile's fusion). ``unsmoothed`` and
    ``score`` are in 0..1. ``rarities`` and ``distances``: per stream, None = nothing to say. ``driver``: name of the
    stream that contributed most; ``box_xyxy_px``: where it looked, in pixels of the frame. ``changes``: events opened,
    raised, closed.
    """

    raw: float
    unsmoothed: float
    score: float
    rarities: tuple[float | None, ...]
    driver: str | None
    box_xyxy_px: Box | None
    distances: tuple[StreamDistance | None, ...]
    changes: tuple[Event, ...] = ()
    event_open: bool = False


class FrameScorer:
    """Scores the frames of one camera in order. Its `state` after a frame is all that the next frame needs."""

    def __init__(self, bank: Bank, rule: EventRule | None = None) -> None:
        """``rule``: None takes the bank's own, for the alarm budget it was learnt for."""
        self.bank = bank
        self._weights = [spec.weight for spec in bank.profile.streams]
        self._smoothing = CausalGaussian(bank.profile.smoothing_s)
        self._events = EventDetector(rule or bank.rule)
        self._score = score_of(NEUTRAL_RARITY)

    @property
    def rule(self) -> EventRule:
        return self._events.rule

    def use_rule(self, rule: EventRule) -> None:
        """Go on under another rule. An open event stays open until the score falls below the new ``off``."""
        self._events.rule = rule

    @property
    def open_event(self) -> Event | None:
        return self._events.open_event

    def read(
        self,
        features: Sequence[Features],
        at_s: float,
        attention: AlertGate = AlertGate.OPEN,
        *,
        discontinuity: bool = False,
    ) -> FrameScore:
        """Score one frame from the features of each stream of the profile. ``attention`` decides on events alone.
        After a ``discontinuity`` the score begins anew, as it does for every run of the footage a bank is learnt from.

        Raises `NonFiniteScoreError` without any change of state when a distance is NaN or infinite.
        """
        found = [frame_distance(bank, part) for bank, part in zip(self.bank.streams, features, strict=True)]
        rarities = self._rarities(found)
        raw = fuse(self.bank.profile.fusion, self._weights, [part.value if part else None for part in found], rarities)
        unsmoothed = score_of(NEUTRAL_RARITY if raw is None else self.bank.fused.rarity(raw))
        if discontinuity:
            self._smoothing.clear()
            self._score = score_of(NEUTRAL_RARITY)
        if raw is not None:  # silence is neutral: the score stays where it was
            self._score = self._smoothing.add(at_s, unsmoothed)
        leading = driver(self._weights, rarities)
        name, box = self._where(leading, found, features)
        changes = self._events.update(at_s, self._score, name, box, attention)
        opened = self.open_event is not None
        return FrameScore(
            raw or 0.0, unsmoothed, self._score, tuple(rarities), name, box, tuple(found), tuple(changes), opened
        )

    def silent(self, reading: FrameScore) -> bool:
        """Whether a stream said nothing that has something to say of every picture."""
        parts = zip(self.bank.profile.streams, reading.rarities, strict=True)
        return any(rarity is None and spec.kind in NEVER_SILENT for spec, rarity in parts)

    def finish(self) -> list[Event]:
        """No more frames for now: closes an open event."""
        return self._events.finish()

    def _rarities(self, found: Sequence[StreamDistance | None]) -> list[float | None]:
        for spec, part in zip(self.bank.profile.streams, found, strict=True):
            if part is not None and not math.isfinite(part.value):
                raise NonFiniteScoreError(f"stream {spec.name!r} yields {part.value}: the frame is not scored")
        return [
            calibration.rarity(part.value) if part else None
            for calibration, part in zip(self.bank.calibrations, found, strict=True)
        ]

    def _where(
        self, leading: int | None, found: Sequence[StreamDistance | None], features: Sequence[Features]
    ) -> tuple[str | None, Box | None]:
        part = found[leading] if leading is not None else None
        if leading is None or part is None:
            return None, None
        x1, y1, x2, y2 = (float(edge) for edge in features[leading].boxes_xyxy_px[part.region])
        return self.bank.profile.streams[leading].name, (x1, y1, x2, y2)

    def state(self) -> dict[str, Any]:
        """JSON values; a new analyzer with the same bank goes on from them exactly."""
        return {
            "bank": self.bank.id,
            "score": self._score,
            "smoothing": self._smoothing.samples,
            "events": self._events.state(),
        }

    def restore(self, state: dict[str, Any]) -> list[Event]:
        """Go on from a stored state. One of another bank only closes its open event, which is returned."""
        self._events.restore(state["events"])
        if state["bank"] != self.bank.id:
            return self._events.finish()
        self._score = float(state["score"])
        if not 0 <= self._score <= 1:
            raise ValueError(f"a stored score of {self._score}")
        self._smoothing.restore(state["smoothing"])
        return []
