"""Which events recur: three that are alike, on three days, at the same hour. Those are normal at that hour.

Whether three events are alike, the camera's own scorer says: none of them would have alerted, had the bank known the
other two. So it is the measure that alerts go by, and what is admitted was there on two of the three days at least.
Nothing that was added before makes events alike: alikeness does not spread. What recurs already may come with a little
more, as a cleaner beside a new shelf: one such event is enough, and is held against the first three.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from models.alarms.calibration import rarity_of
from models.alarms.event_detector import EventRule
from models.banks.additions import Addition, Additions
from models.banks.bank import Bank
from models.banks.hours import MINUTES_A_DAY, Hours
from models.banks.rare_vectors import rare_regions, rare_vectors
from models.engine.frame_scorer import FrameScore, FrameScorer
from models.frames.frame import Features
from models.memory.event_footage import EventFootage
from models.profiles.profile import StreamKind

OCCURRENCES = 3
WITHIN_MS = 22 * 86_400_000  # three weeks and a day, so that what comes every week counts
OTHER_DAY_MS = 22 * 3_600_000  # two events at the same hour that are so far apart are of two days
SAME_HOUR_MIN = 60
MARGIN_MIN = 30  # that the hours reach beyond the events
LONGEST_MS = 300_000
MOST_OF_PICTURE = 1 / 3  # of the places of a frame, that may be rare in it beyond those that were so before the event
MOST_COMPARED = 6  # earlier events that one is compared with
MOST_OCCURRENCES = 8  # of a recurrence
LITTLE_MORE = 0.25  # of how far an event rises above the level, in rarity, that may be left once what recurs is known
_WEEK_MS, _HOUR_MS = 7 * 86_400_000, 3_600_000


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An event that alerted. ``id``: of the alert. Unix times, of its first and its last frame over the level."""

    id: str
    started_ms: int
    ended_ms: int

    @property
    def minute_of_day(self) -> int:
        """When it began, in the local time of this machine."""
        local = time.localtime(self.started_ms / 1000)
        return local.tm_hour * 60 + local.tm_min

    def later_in_day_min(self, other: Occurrence) -> int:
        """How much later in the day it began than the other, -720..719 minutes."""
        half = MINUTES_A_DAY // 2
        return (self.minute_of_day - other.minute_of_day + half) % MINUTES_A_DAY - half

    def recurs_with(self, other: Occurrence) -> bool:
        """Whether both began at the same hour of two days, not too long ago from each other."""
        apart_ms = abs(self.started_ms - other.started_ms)
        return OTHER_DAY_MS <= apart_ms <= WITHIN_MS and abs(self.later_in_day_min(other)) <= SAME_HOUR_MIN


@dataclass(frozen=True)
class Recurrence:
    """Alike occurrences, oldest first, and the ``hours`` in which what they show is normal."""

    occurrences: tuple[Occurrence, ...]
    hours: Hours


def earlier_at_the_same_hour(newest: Occurrence, others: Sequence[Occurrence]) -> list[Occurrence]:
    """With what the newest is to be compared, the latest first. None that lasted too long."""
    before = [other for other in others if other.started_ms < newest.started_ms and _is_short(other)]
    recurring = [other for other in before if newest.recurs_with(other)] if _is_short(newest) else []
    return sorted(recurring, key=lambda other: other.started_ms, reverse=True)[:MOST_COMPARED]


def recurrence_of(
    newest: Occurrence,
    earlier: Sequence[Occurrence],
    explained: Callable[[Occurrence, Sequence[Occurrence]], bool],
) -> Recurrence | None:
    """The newest with two earlier ones, on three different days and each explained by the two others; None if there are
    none. ``earlier``: as `earlier_at_the_same_hour`. ``explained``: see `Likeness`."""
    for later, first in combinations(earlier, 2):
        three = (newest, later, first)
        if later.recurs_with(first) and all(
            explained(one, [other for other in three if other is not one]) for one in three
        ):
            occurrences = tuple(sorted(three, key=lambda one: one.started_ms))
            return Recurrence(occurrences, _hours(occurrences))
    return None


def further_of(
    newest: Occurrence,
    known: Sequence[Recurrence],
    mostly_explained: Callable[[Occurrence, Sequence[Occurrence]], bool],
) -> Recurrence | None:
    """The one of the ``known`` recurrences that the newest is with a little more, and the newest too; None if it is
    none. ``mostly_explained``: see `Likeness`."""
    if not _is_short(newest):
        return None
    for one in known:
        other_day = all(newest.started_ms - before.started_ms >= OTHER_DAY_MS for before in one.occurrences)
        open_to_more = other_day and one.hours.contains(newest.started_ms) and len(one.occurrences) < MOST_OCCURRENCES
        if open_to_more and mostly_explained(newest, one.occurrences[:OCCURRENCES]):
            return Recurrence((*one.occurrences, newest), one.hours)
    return None


def _is_short(occurrence: Occurrence) -> bool:
    return 0 <= occurrence.ended_ms - occurrence.started_ms <= LONGEST_MS


def _hours(occurrences: Sequence[Occurrence]) -> Hours:
    """From half an hour before the earliest in the day to half an hour after the latest; of one day of the week where
    all were a week apart."""
    last = occurrences[-1]
    begins = [one.later_in_day_min(last) for one in occurrences]
    ends = [
        begin + -(-(one.ended_ms - one.started_ms) // 60_000) for begin, one in zip(begins, occurrences, strict=True)
    ]
    first_min, last_min = min(begins) - MARGIN_MIN, max(ends) + MARGIN_MIN
    weekly = all(_weeks_apart(first, second) for first, second in combinations(occurrences, 2))
    weekday = time.localtime(last.started_ms / 1000 + 60 * first_min).tm_wday if weekly else None
    return Hours((last.minute_of_day + first_min) % MINUTES_A_DAY, last_min - first_min, weekday)


def _weeks_apart(first: Occurrence, second: Occurrence) -> bool:
    beyond_ms = abs(first.started_ms - second.started_ms) % _WEEK_MS
    return min(beyond_ms, _WEEK_MS - beyond_ms) <= 2 * _HOUR_MS  # summer time may lie between


class Likeness:
    """Judges events of one camera by its bank and rule. ``footage``: what is remembered of an occurrence, None where
    that cannot become normal. Each event is seen once."""

    def __init__(
        self,
        bank: Bank,
        rule: EventRule,
        footage: Callable[[Occurrence], EventFootage | None],
        muted: frozenset[StreamKind] = frozenset(),
    ) -> None:
        self._bank = bank
        self._rule = rule
        self._muted = muted
        self._footage = footage
        self._seen: dict[str, tuple[EventFootage, Addition] | None] = {}

    def may_recur(self, occurrence: Occurrence) -> bool:
        """Whether it is remembered whole, is an event to the present bank too, and does not fill the picture."""
        return self._see(occurrence) is not None

    def explained(self, one: Occurrence, by: Sequence[Occurrence]) -> bool:
        """Whether it would not have alerted, had the bank known those others. False where any of them must not become
        normal."""
        seen, others = self._see(one), [self._see(other) for other in by]
        if seen is None or None in others:
            return False
        return not self._alerts(seen[0], self._known(filter(None, others)))

    def mostly_explained(self, one: Occurrence, by: Sequence[Occurrence]) -> bool:
        """Whether it would have risen no more than a quarter as far above the level, had the bank known those others,
        of which two at least must be events to the present bank too. False where it must not become normal."""
        seen, others = self._see(one), [*filter(None, map(self._see, by))]
        if seen is None or len(others) < OCCURRENCES - 1:
            return False
        on = rarity_of(self._rule.on)
        above, left = (self._peak(seen[0], known) - on for known in (None, self._known(others)))
        return left <= LITTLE_MORE * above

    def _see(self, occurrence: Occurrence) -> tuple[EventFootage, Addition] | None:
        if occurrence.id not in self._seen:
            footage = self._footage(occurrence)
            usable = footage is not None and self._may_recur(footage, occurrence.started_ms)
            self._seen[occurrence.id] = (footage, self._addition(footage)) if footage and usable else None
        return self._seen[occurrence.id]

    def _may_recur(self, footage: EventFootage, started_ms: int) -> bool:
        return self._alerts(footage, None) and not self._fills_the_picture(footage, started_ms)

    def _known(self, others: Iterable[tuple[EventFootage, Addition]]) -> Additions:
        return Additions(self._bank, [addition for _, addition in others])

    def _addition(self, footage: EventFootage) -> Addition:
        return Addition(rare_vectors(self._bank, footage.features))

    def _alerts(self, footage: EventFootage, additions: Additions | None) -> bool:
        """Whether its frames open an event when this is normal too."""
        return any(score.event_open for score in self._scores(footage, additions))

    def _peak(self, footage: EventFootage, additions: Additions | None) -> float:
        """The rarity of its highest score."""
        return rarity_of(max(score.score for score in self._scores(footage, additions)))

    def _scores(self, footage: EventFootage, additions: Additions | None) -> Iterator[FrameScore]:
        scorer = FrameScorer(self._bank, self._rule)
        scorer.mute(self._muted)
        scorer.use_additions(additions)
        for frame in footage.frames:
            yield scorer.score(frame.features, frame.at_ms / 1000, discontinuity=frame.starts_run)

    def _fills_the_picture(self, footage: EventFootage, started_ms: int) -> bool:
        """Judged against the frames before it: a bank of little footage finds many places rare in any picture."""
        for position, stream in enumerate(self._bank.streams):
            if stream.vectors.shape[1] == 1:  # it has no places
                continue
            before = [share for at_ms, share in self._rare_shares(footage, position) if at_ms < started_ms]
            usual = median(before) if before else 0.0
            if any(share > usual + MOST_OF_PICTURE for _, share in self._rare_shares(footage, position)):
                return True
        return False

    def _rare_shares(self, footage: EventFootage, position: int) -> Iterator[tuple[float, float]]:
        """When, and what share of the places was rare, for all features of a stream that differ from those before."""
        last: Features | None = None
        for frame in footage.frames:
            features = frame.features[position]
            if features is not last and len(features):
                rare = rare_regions(self._bank.streams[position], self._bank.telling_rare(position), features)
                yield frame.at_ms, float(rare.mean())
            last = features
