"""Which stretches to let go, so that what stays fits and is spread over the hours of the week."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from models.memory.excluded_retention import let_go_excluded
from models.memory.stretches.stretch import StretchInfo

EXCLUDED_SHARE = 0.2  # of the budget, that stretches may have of which most must not be learnt
NEWEST_MS = 5 * 60_000  # so long a stretch is safe
_MOSTLY = 0.5
_SCORE_STEP = 0.05  # scores of one such step count as equally common, and the older goes first
_UNKNOWN = 1.0  # score of a stretch without any: rare, for all we know
_HOUR_MS = 3_600_000
_HOURS_A_DAY, _DAYS_A_WEEK = 24, 7
_THURSDAY = 3  # 1970-01-01


class Slot(NamedTuple):
    """An hour of the week, in UTC. ``day``: 0 is Monday."""

    day: int
    hour: int

    @classmethod
    def of(cls, at_ms: int) -> Slot:
        """The slot of a moment, Unix time."""
        days, hour = divmod(at_ms // _HOUR_MS, _HOURS_A_DAY)
        return cls((days + _THURSDAY) % _DAYS_A_WEEK, hour)


def is_excluded(stretch: StretchInfo) -> bool:
    """Whether most of a stretch must not be learnt, so that it counts against the excluded ones' share."""
    return stretch.excluded > _MOSTLY


def make_room(known: Sequence[StretchInfo], new: StretchInfo, budget_bytes: int) -> list[StretchInfo]:
    """The known stretches to remove so that they fit the budget with a new one.

    Those of another identity, which are of no use beside it, have what room is left, the newest of them first: whoever
    goes back to what made them finds some.
    """
    fitting = [stretch for stretch in known if stretch.identity == new.identity]
    gone = let_go([*fitting, new], budget_bytes, new.ended_ms)
    gone_ids = {stretch.id for stretch in gone}
    left_bytes = budget_bytes - new.bytes - sum(stretch.bytes for stretch in fitting if stretch.id not in gone_ids)
    foreign = [stretch for stretch in known if stretch.identity != new.identity]
    return [stretch for stretch in gone if stretch is not new] + _oldest(foreign, left_bytes)


def let_go(stretches: Sequence[StretchInfo], budget_bytes: int, now_ms: int) -> list[StretchInfo]:
    """The stretches to remove so that the others take at most ``budget_bytes``, in the order in which they go.

    They go from the fullest hour of the week; of those that are equally full, from where the hour of the day and the
    day of the week are fullest. There the commonest goes first, of equally common ones the oldest. Stretches that are
    mostly excluded get at most a fifth of the budget, by `let_go_excluded`. What is of the five minutes before
    ``now_ms`` (Unix time) stays, unless it exceeds the budget by itself. What a clock that was wrong has put into the
    future enjoys no protection.
    """
    recent = [stretch for stretch in stretches if now_ms - NEWEST_MS < stretch.ended_ms <= now_ms]
    older = [stretch for stretch in stretches if not now_ms - NEWEST_MS < stretch.ended_ms <= now_ms]
    staying_bytes = sum(stretch.bytes for stretch in filter(is_excluded, recent))
    excluded = list(filter(is_excluded, older))
    gone = let_go_excluded(excluded, staying_bytes, int(budget_bytes * EXCLUDED_SHARE), now_ms)
    left = {stretch.id for stretch in gone}
    rest = _Thinning([stretch for stretch in older if stretch.id not in left], recent)
    return gone + rest.down_to(budget_bytes) + _oldest(recent, budget_bytes)


class _Thinning:
    """Lets go of stretches one by one, the most dispensable of those left first."""

    def __init__(self, removable: Iterable[StretchInfo], staying: Iterable[StretchInfo]) -> None:
        stretches, staying = list(removable), list(staying)
        self._bytes = sum(stretch.bytes for stretch in (*stretches, *staying))
        self._counts = Counter(Slot.of(stretch.started_ms) for stretch in (*stretches, *staying))
        self._slots: dict[Slot, list[StretchInfo]] = defaultdict(list)
        for stretch in sorted(stretches, key=_worth, reverse=True):  # the most dispensable is last
            self._slots[Slot.of(stretch.started_ms)].append(stretch)

    def down_to(self, budget_bytes: int) -> list[StretchInfo]:
        gone = []
        while self._bytes > budget_bytes and self._slots:
            gone.append(self._remove_one())
        return gone

    def _remove_one(self) -> StretchInfo:
        hours, days = Counter[int](), Counter[int]()
        for slot, count in self._counts.items():
            hours[slot.hour] += count
            days[slot.day] += count
        slot = min(
            self._slots,
            key=lambda slot: (
                -self._counts[slot],
                -hours[slot.hour] * _HOURS_A_DAY - days[slot.day] * _DAYS_A_WEEK,
                _worth(self._slots[slot][-1]),
            ),
        )
        stretch = self._slots[slot].pop()
        if not self._slots[slot]:
            del self._slots[slot]
        self._counts[slot] -= 1
        self._bytes -= stretch.bytes
        return stretch


def _worth(stretch: StretchInfo) -> tuple[int, int, str]:
    """Sorts stretches from the most dispensable to the least."""
    score = _UNKNOWN if stretch.mean_score is None else stretch.mean_score
    return int(score / _SCORE_STEP), stretch.started_ms, stretch.id


def _oldest(stretches: Sequence[StretchInfo], budget_bytes: int) -> list[StretchInfo]:
    """Those that there is no room for beside the newer ones."""
    used, gone = 0, []
    for stretch in sorted(stretches, key=lambda stretch: stretch.started_ms, reverse=True):
        used += stretch.bytes
        if used > budget_bytes:
            gone.append(stretch)
    return gone
