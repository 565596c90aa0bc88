"""Sums up each hour of a camera from its stored scores, so that days and weeks can be judged once those are gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from models.alarms.drift import RARE
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.stored_records import readable
from patchwatch.messages.cameras.analysis_status import AnalysisStatus
from patchwatch.messages.cameras.quiet_hour import HOUR_MS, HOURS_KEPT, QuietHour
from patchwatch.messages.frames.camera_time import Eras
from patchwatch.messages.frames.score import Score, ScoreMinute
from workers.enrolment.upkeep.recent_alerts import Interval

SAMPLE_EVERY_MS = 10_000  # neighbouring frames say nearly the same: one of so many is looked at
SETTLED_MS = 120_000  # after its end an hour waits so long for what is still on its way
_AT_ONCE = 60  # samples asked for in one go
_MINUTES = 200  # entries read of an hour, at most


def last_over_ms(now_ms: int) -> int:
    """The end of the last hour that can be summed up."""
    return (now_ms - SETTLED_MS) // HOUR_MS * HOUR_MS


class HourReader:
    """Reads `CameraKeys.scores` and `CameraKeys.minutes`, of one camera. ``client`` is synchronous.

    ``has_begun``: whether an hour of it was ever summed up.
    """

    def __init__(self, client: Any, camera_keys: CameraKeys) -> None:
        self._client = client
        self._keys = camera_keys
        self.has_begun = False
        self._eras = Eras.from_record(client.hget(camera_keys.state, "eras"))

    def due(self, now_ms: int, kept_hours: float) -> list[int]:
        """The hours that are over and not summed up yet, of which scores are still kept; oldest first, in ms."""
        over_ms = last_over_ms(now_ms)
        first_ms = over_ms - max(1, int(kept_hours)) * HOUR_MS
        last_ms = self._last_ms()
        if last_ms is not None and last_ms > now_ms:
            self._forget_after(now_ms)
            last_ms = self._last_ms()
        self.has_begun = last_ms is not None
        next_ms = 0 if last_ms is None else last_ms + HOUR_MS
        return list(range(max(0, first_ms, next_ms), over_ms, HOUR_MS))

    def _last_ms(self) -> int | None:
        last = self._client.xrevrange(self._keys.hours, count=1)
        return int(last[0][0].split(b"-")[0]) if last else None

    def _forget_after(self, now_ms: int) -> None:
        """Hours in the future, of a clock that was ahead: what follows could not be written before that time."""
        kept = self._client.xrange(self._keys.hours, max=now_ms, count=HOURS_KEPT)
        with self._client.pipeline() as pipe:  # a stream's last id cannot be lowered below one that was deleted
            pipe.delete(self._keys.hours)
            for entry_id, fields in kept:
                pipe.xadd(self._keys.hours, fields, id=entry_id)
            pipe.execute()

    def read(self, hour_ms: int, restless: Sequence[Interval], analysis: AnalysisStatus | None) -> QuietHour:
        """Sum up an hour. ``restless``: when something happened; ``analysis``: as it is at its end.

        Scores are looked for only in an hour that has minutes: a new camera has a day of hours without.
        """
        rare: Counter[str] = Counter()
        samples, minutes = 0, self._minutes(hour_ms)
        for score in self._quiet_scores(hour_ms, restless) if minutes else ():
            samples += 1
            for reading in score.streams:
                rare[reading.name] += reading.rarity is not None and reading.rarity >= RARE
        return QuietHour(
            hour_ms=hour_ms, minutes=minutes, samples=samples, rare=dict(rare),
            bank_id=analysis.bank_id if analysis else None, level_per_day=_level_per_day(analysis),
        )  # fmt: skip

    def write(self, pipe: Any, hour: QuietHour) -> None:
        """Queue the writing of an hour; the oldest ones go."""
        fields: dict[Any, Any] = dict(hour.fields())
        pipe.xadd(self._keys.hours, fields, id=hour.entry_id, maxlen=HOURS_KEPT, approximate=True)

    def _quiet_scores(self, hour_ms: int, restless: Sequence[Interval]) -> Iterator[Score]:
        for score in self._samples(hour_ms):
            at_ms = score.captured_at_ns // 1_000_000
            inside = hour_ms <= at_ms < hour_ms + HOUR_MS
            if inside and not any(first <= at_ms <= last for first, last in restless):
                yield score

    def _samples(self, hour_ms: int) -> Iterator[Score]:
        for first, last in self._eras.own_ranges(hour_ms, hour_ms + HOUR_MS - 1):
            starts = range(first, last, SAMPLE_EVERY_MS)
            for begin in range(0, len(starts), _AT_ONCE):
                yield from self._first_of_each(starts[begin : begin + _AT_ONCE], last)

    def _first_of_each(self, starts: Sequence[int], last: int) -> Iterator[Score]:
        with self._client.pipeline(transaction=False) as pipe:
            for start in starts:
                pipe.xrange(self._keys.scores, min=start, max=min(last, start + SAMPLE_EVERY_MS - 1), count=1)
            answers = pipe.execute()
        for entries in answers:
            for entry_id, fields in entries:
                score = readable(Score.decode, fields, f"score {entry_id.decode()}")
                if score is not None:
                    yield score

    def _minutes(self, hour_ms: int) -> int:
        found = set()
        for first, last in self._eras.own_ranges(hour_ms, hour_ms + HOUR_MS + 60_000):
            for entry_id, fields in self._client.xrange(self._keys.minutes, min=first, max=last, count=_MINUTES):
                decode = partial(ScoreMinute.decode, int(entry_id.split(b"-")[0]))
                minute = readable(decode, fields, f"minute {entry_id!r}")
                if minute is not None and hour_ms <= minute.minute_ms < hour_ms + HOUR_MS:
                    found.add(minute.minute_ms)
        return min(60, len(found))


def _level_per_day(analysis: AnalysisStatus | None) -> float | None:
    threshold = analysis.threshold if analysis else None
    return None if threshold is None or threshold.provisional else threshold.false_alarms_per_day


def stored_hours(client: Any, camera_keys: CameraKeys, count: int = HOURS_KEPT) -> list[QuietHour]:
    """The newest hours that are kept, oldest first."""
    entries = client.xrevrange(camera_keys.hours, count=count)
    hours = [readable(QuietHour.from_fields, fields, f"hour {entry_id!r}") for entry_id, fields in entries]
    return [hour for hour in reversed(hours) if hour is not None]
