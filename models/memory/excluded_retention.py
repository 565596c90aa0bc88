"""Which stretches that must not be learnt to let go of: they are kept to be compared from day to day."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from models.memory.stretches.stretch import SAME_RUN_WITHIN_S, StretchInfo

DAY_MS = 86_400_000
_HOUR_MS = 3_600_000


@dataclass(frozen=True)
class _Episode:
    """Stretches that follow each other: of use together, to see the whole of an event."""

    stretches: tuple[StretchInfo, ...]

    @property
    def started_ms(self) -> int:
        return self.stretches[0].started_ms

    @property
    def bytes(self) -> int:
        return sum(stretch.bytes for stretch in self.stretches)

    @property
    def day(self) -> int:
        return self.started_ms // DAY_MS

    @property
    def hour(self) -> int:
        return self.started_ms % DAY_MS // _HOUR_MS


def let_go_excluded(
    removable: Sequence[StretchInfo], staying_bytes: int, budget_bytes: int, now_ms: int
) -> list[StretchInfo]:
    """The stretches to remove so that the others, with ``staying_bytes`` more, fit the budget; in the order they go.

    Whole episodes go. A day's share of the budget falls with its age (a half, a third, a quarter of that of today), so
    that the last days are there at length and weeks ago in part. Of the day that has most beyond its share, what
    happened at an hour at which no other day has anything goes first; else the oldest.
    """
    episodes, gone = _episodes(removable), list[StretchInfo]()
    used = staying_bytes + sum(episode.bytes for episode in episodes)
    while used > budget_bytes and episodes:
        episode = _most_dispensable(episodes, now_ms)
        episodes.remove(episode)
        gone += episode.stretches
        used -= episode.bytes
    return gone


def _episodes(stretches: Sequence[StretchInfo]) -> list[_Episode]:
    episodes: list[list[StretchInfo]] = []
    for stretch in sorted(stretches, key=lambda stretch: (stretch.started_ms, stretch.id)):
        last = episodes[-1][-1] if episodes else None
        if last is not None and stretch.started_ms - last.ended_ms <= SAME_RUN_WITHIN_S * 1000:
            episodes[-1].append(stretch)
        else:
            episodes.append([stretch])
    return [_Episode(tuple(episode)) for episode in episodes]


def _most_dispensable(episodes: Sequence[_Episode], now_ms: int) -> _Episode:
    weights = defaultdict[int, int](int)
    for episode in episodes:
        weights[episode.day] += episode.bytes
    today = now_ms // DAY_MS
    day = max(weights, key=lambda day: (weights[day] * (abs(today - day) + 1), -day))
    hours = Counter(hour for _, hour in {(episode.day, episode.hour) for episode in episodes})
    of_day = [episode for episode in episodes if episode.day == day]
    return min(of_day, key=lambda episode: (hours[episode.hour] > 1, episode.started_ms))
