"""Which stretches of a camera are worth remembering: all in the beginning, then now and then, and what is rare."""

from __future__ import annotations

import math
from collections import deque

from models.memory.stretches.stretch import Exclusion
from models.memory.stretches.stretch_collector import StretchCollector
from workers.inference.recording.memory_writer import Remembered

BEGINNING_S = 2400.0  # of normal remembered, before it is thinned out: as much as banks are learnt from at first
STRETCH_EVERY_S = 600.0
_RARE_EVERY_S = 60.0  # a camera that is restless all day would wear out the disk
_MOST_PEAKS, _LEAST_PEAKS = 120, 20  # stretches that tell what is usual: an hour of them, and ten minutes
_RARE_SHARE = 0.05
_NEARLY_FULL = 0.8
WHOLE_ALERT_S = 300.0  # of an alert kept from end to end: what lasts longer never becomes normal by recurring
_HIGHER = 0.05  # ... and after that where it rises further: the peak is what an operator judges
_MOST_COVERED, _COVERED_WITHIN_S = 20, 3600.0  # stretches from end to end, so that a flickering alert spares the disk


class KeepRule:
    """Judges the stretches of one camera in order. Times are the camera's own, in seconds."""

    def __init__(self, budget_mb: float) -> None:
        self._full_bytes = budget_mb * 1e6 * _NEARLY_FULL
        self._peaks: deque[float] = deque(maxlen=_MOST_PEAKS)
        self._kept_s: float | None = None
        self._covered_since_s: float | None = None  # that all stretches are from end to end; None: the last was not
        self._covered_peak = 0.0  # highest score of those of them that were kept
        self._covered_kept_s: deque[float] = deque(maxlen=_MOST_COVERED)

    def keeps(self, stretch: StretchCollector, remembered: Remembered | None) -> bool:
        """Whether this stretch, the next of the camera, is kept. ``remembered``: None while it is not known."""
        self._follow_alert(stretch)
        peak, rare = stretch.highest, self._is_rare(stretch.highest)
        if math.isfinite(peak):
            self._peaks.append(peak)
        since_kept_s = self._since_kept_s(stretch, remembered)
        kept = (
            since_kept_s >= STRETCH_EVERY_S
            or (self._is_beginning(remembered) and not stretch.wholly_excluded)
            or (rare and since_kept_s >= _RARE_EVERY_S)
            or self._shows_an_alarm(stretch, since_kept_s)
        )
        if kept:
            self._kept_s = stretch.started_s
        return kept

    def keeps_beginning(self, stretch: StretchCollector, remembered: Remembered | None) -> bool:
        """Whether a stretch is kept whatever its rest shows. Nothing follows from it for others."""
        if stretch.wholly_excluded:
            return False
        due = self._since_kept_s(stretch, remembered) >= STRETCH_EVERY_S or bool(stretch.reasons & Exclusion.ALERT)
        return due or self._is_beginning(remembered)

    def _is_beginning(self, remembered: Remembered | None) -> bool:
        if remembered is None:
            return True
        return remembered.seconds < BEGINNING_S and remembered.bytes < self._full_bytes

    def _since_kept_s(self, stretch: StretchCollector, remembered: Remembered | None) -> float:
        """How long before this stretch the last began that was kept; in a restarted process, by the wall clock."""
        if self._kept_s is not None:
            return stretch.started_s - self._kept_s
        if remembered is None or not remembered.newest_ms:
            return math.inf
        return abs(stretch.started_ms - remembered.newest_ms) / 1000

    def _is_rare(self, peak: float) -> bool:
        """Whether it was rarer than nearly all others of late."""
        if not math.isfinite(peak) or len(self._peaks) < _LEAST_PEAKS:
            return False
        higher = sum(other >= peak for other in self._peaks)
        return higher < _RARE_SHARE * len(self._peaks)

    def _shows_an_alarm(self, stretch: StretchCollector, since_kept_s: float) -> bool:
        """Whether it shows what an operator may call normal, or what may recur: an alert, of a long one the beginning,
        the peaks and the end; or a score over the level."""
        if stretch.reasons & Exclusion.ALERT:
            return not stretch.wholly_excluded or self._keeps_covered(stretch)
        return bool(stretch.reasons & Exclusion.HIGH) and since_kept_s >= _RARE_EVERY_S

    def _follow_alert(self, stretch: StretchCollector) -> None:
        if not (stretch.wholly_excluded and stretch.reasons & Exclusion.ALERT):
            self._covered_since_s, self._covered_peak = None, 0.0
        elif self._covered_since_s is None:
            self._covered_since_s = stretch.started_s

    def _keeps_covered(self, stretch: StretchCollector) -> bool:
        is_long = stretch.started_s - (self._covered_since_s or 0.0) >= WHOLE_ALERT_S
        if is_long and stretch.peak < self._covered_peak + _HIGHER:
            return False
        full = len(self._covered_kept_s) == _MOST_COVERED
        if full and 0.0 <= stretch.started_s - self._covered_kept_s[0] < _COVERED_WITHIN_S:
            return False
        self._covered_kept_s.append(stretch.started_s)
        self._covered_peak = max(self._covered_peak, stretch.peak)
        return True
