"""Which times of an alert its clip shows: the beginning, and the peak where that comes later."""

from __future__ import annotations

from dataclasses import dataclass

from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert, AlertKind

LONGEST_WATCH_MS = 600_000  # an alert that lasts longer is recorded as it is then, and stays open
_GRACE_MS = 5000  # for frames that are late, or do not come at all
_OPENS_LATE = frozenset(AlertKind) - {AlertKind.ANOMALY, AlertKind.OFFLINE}  # their beginning is long before it is told


@dataclass(frozen=True)
class ClipWindow:
    """Of one alert, as it is known now. Times are Unix milliseconds."""

    alert: Alert
    pre_ms: int
    post_ms: int
    longest_ms: int

    @classmethod
    def of(cls, alert: Alert, settings: Settings) -> ClipWindow:
        seconds = (settings.evidence_pre_roll_s, settings.evidence_post_roll_s, settings.evidence_max_s)
        return cls(alert, *(round(1000 * value) for value in seconds))

    @property
    def anchor_ms(self) -> int:
        """What the pre-roll leads to: the beginning of an anomaly, the opening of a condition."""
        return self.alert.opened_at_ms if self.alert.kind in _OPENS_LATE else self.alert.started_at_ms

    @property
    def from_ms(self) -> int:
        return self.anchor_ms - self.pre_ms

    @property
    def _whole_until_ms(self) -> int | None:
        """The end with its post-roll; None while that is not known. Nothing comes after `offline` began."""
        if self.alert.kind is AlertKind.OFFLINE:
            return self.anchor_ms + self.post_ms
        ended_ms = self.alert.ended_at_ms
        return None if ended_ms is None else max(ended_ms, self.anchor_ms) + self.post_ms

    @property
    def first_until_ms(self) -> int:
        """The end of the first part, which leaves room for one around the peak where the alert is too long."""
        whole = self._whole_until_ms
        if whole is not None and whole - self.from_ms <= self.longest_ms:
            return whole
        return self.from_ms + self.longest_ms - self.pre_ms - self.post_ms

    @property
    def kept_until_ms(self) -> int:
        """Up to when frames are kept while the end is not known: a whole clip may be made of them yet."""
        return self.from_ms + self.longest_ms

    @property
    def peak_ms(self) -> tuple[int, int] | None:
        """From when to when the part around the peak is; None where the first part shows it."""
        peak_ms = self.alert.peak_at_ms
        if peak_ms < self.first_until_ms or self._whole_until_ms == self.first_until_ms:
            return None
        return max(self.first_until_ms, peak_ms - self.pre_ms), peak_ms + self.post_ms

    def is_over(self, seen_ms: int, now_ms: int) -> bool:
        """Whether no later frame will be of it. ``seen_ms``: when the latest frame of the camera was captured."""
        if now_ms - self.alert.opened_at_ms >= LONGEST_WATCH_MS:
            return True
        if self._whole_until_ms is None:
            return False
        due_ms = max(self.first_until_ms, self.peak_ms[1] if self.peak_ms else 0)
        return seen_ms >= due_ms or now_ms >= due_ms + _GRACE_MS
