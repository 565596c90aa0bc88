"""Whether the scene itself has changed and stays so: a new shelf, a chair that was moved, a camera that was nudged.

Of an anomaly it differs by standing still: the same places look the same new way in stretches a long time apart, and
nothing else alarms in them. Both are asked of the camera's own bank and scorer, from what is remembered.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from models.alarms.event_detector import EventRule
from models.banks.additions import Addition, Additions
from models.banks.bank import Bank, StreamBank
from models.banks.rare_vectors import RARE, StreamVectors
from models.engine.frame_scorer import FrameScorer
from models.frames.frame import Features
from models.frames.registration import Shift, shift_between
from models.memory.spans import SpanMs, frames_within, overlaps
from models.memory.stretches.stretch import Exclusion, Stretch, StretchInfo
from models.profiles.profile import StreamKind
from models.streams.place_stream import COLUMNS, PLACES, ROWS
from patchwatch.contract.errors import NonFiniteScoreError, PatchwatchError

LASTS_MS = 3_600_000  # from the first to the last stretch that shows it
SHIFTED_LASTS_MS = 1_200_000  # ... of a picture that is shifted as a whole: no thing that somebody left does that
SUSPECTED_MS = 600_000
LEAST_STRETCHES = 2
LEAST_SEEN_S = 20.0  # of them together
_BACK_MS = 36 * 3_600_000  # so far the beginning is looked for
_MOST_READ = 12
_MOST_BEFORE = 6  # stretches from before it that a shift is looked for against
_SAMPLES = 12  # of a stretch
_MOSTLY = 0.8  # of the samples of a stretch: somebody may pass in front
_ALIKE = 0.7  # of the places
_TAUGHT = 4  # samples of a stretch that the others are explained by
_MOSTLY_NORMAL = 0.5  # excluded, at most, of a stretch that shows the scene as usual
_GAP_MS = 10_000  # stretches that follow each other so closely are one span

Read = Callable[[str], Stretch]


@dataclass(frozen=True)
class LastingChange:
    """``spans``: of the stretches that show it and nothing else that alarms, oldest first; the other times are of the
    first and the last of these. ``box``: around the places, x1, y1, x2, y2 as shares of the picture. ``shift``: of the
    picture as a whole, where that is what changed. ``rejected``: an operator said of a stretch that shows it that this
    is no part of normal."""

    spans: tuple[SpanMs, ...]
    seconds: float
    box: tuple[float, float, float, float]
    shift: Shift | None = None
    rejected: bool = False

    @property
    def since_ms(self) -> int:
        return self.spans[0][0]

    @property
    def until_ms(self) -> int:
        return self.spans[-1][1]

    @property
    def lasted_ms(self) -> int:
        return self.until_ms - self.since_ms

    @property
    def needed_ms(self) -> int:
        """How long it has to last before it is learnt."""
        return LASTS_MS if self.shift is None else SHIFTED_LASTS_MS

    def has_lasted(self, shown_ms: int) -> bool:
        """Whether it may be learnt. ``shown_ms``: for how long its alert has been open: whoever should look at it had
        that long, however late it was found."""
        shown_enough = shown_ms >= self.needed_ms - SUSPECTED_MS
        return shown_enough and self.lasted_ms >= self.needed_ms and self.seconds >= LEAST_SEEN_S


@dataclass(frozen=True)
class _Look:
    """How the places that are far from normal look in one stretch: ``groups`` (n,) and their ``means`` (n, dim).
    ``shown``: some samples of all places where nothing moves, far from normal or not: noise takes some there only now
    and then, and they are as much a part of how the scene looks."""

    groups: NDArray[np.int32]
    means: NDArray[np.float32]
    shown: StreamVectors


def is_over(info: StretchInfo, rule: EventRule) -> bool:
    """Whether a stretch was over the level, somewhere or nearly everywhere."""
    if info.max_score is None or info.mean_score is None:
        return False
    return info.max_score >= rule.on or info.mean_score >= rule.off


def over_level(infos: Sequence[StretchInfo], rule: EventRule, after_ms: int = 0) -> list[StretchInfo]:
    """The stretches since the scene was last as usual, oldest first: all of them over the level. Those without a score
    say nothing; those that began before ``after_ms`` (Unix time) were judged before."""
    scored = [info for info in infos if info.max_score is not None and info.started_ms >= after_ms]
    scored.sort(key=lambda one: (one.started_ms, one.id))
    found: list[StretchInfo] = []
    for info in reversed(scored):
        if not is_over(info, rule) or scored[-1].ended_ms - info.started_ms > _BACK_MS:
            break
        found.insert(0, info)
    return found


def may_last(infos: Sequence[StretchInfo], rule: EventRule, after_ms: int = 0) -> bool:
    """Whether there may be a lasting change, by the index of the memory alone."""
    over = over_level(infos, rule, after_ms)
    return len(over) >= LEAST_STRETCHES and over[-1].ended_ms - over[0].started_ms >= SUSPECTED_MS


def find_change(
    bank: Bank,
    rule: EventRule,
    infos: Sequence[StretchInfo],
    read: Read,
    rejected_ms: Sequence[SpanMs] = (),
    muted: frozenset[StreamKind] = frozenset(),
    after_ms: int = 0,
) -> LastingChange | None:
    """What has changed and has stayed so for `SUSPECTED_MS` at least; None where nothing has. ``infos``: of stretches
    that were made as the bank's vectors were. ``read``: gives the stretch of an id. ``rejected_ms``: what operators
    said is no part of normal; stretches with any of it show nothing, but may show that the change was rejected.
    ``after_ms``: up to when the last change was judged; a shift is one against what was seen since."""
    position = _stream_of_places(bank, muted)
    if position is None or not may_last(infos, rule, after_ms):
        return None
    over = over_level(infos, rule, after_ms)
    finder = _Finder(bank, rule, position, muted)
    sightings = finder.alike(_stretches(_some(over), read))
    shown = [one for one in sightings if not overlaps(*_span(one), rejected_ms)]
    rejected = len(shown) < len(sightings)
    if len(shown) < LEAST_STRETCHES or _span(shown[-1])[1] - _span(shown[0])[0] < SUSPECTED_MS:
        return _change(finder, sightings, None, rejected=True) if rejected else None
    usual = [
        info for info in infos
        if after_ms <= info.started_ms < over[0].started_ms and info.excluded <= _MOSTLY_NORMAL
    ]  # fmt: skip
    before = _stretches(usual[-_MOST_BEFORE:], read)
    return _change(finder, shown, _shift(before, shown), rejected=rejected)


def _stream_of_places(bank: Bank, muted: frozenset[StreamKind]) -> int | None:
    """Its position in the profile; None where there is none, or it is muted."""
    kinds = [spec.kind for spec in bank.profile.streams]
    return None if StreamKind.PLACE in muted or StreamKind.PLACE not in kinds else kinds.index(StreamKind.PLACE)


def _stretches(infos: Iterable[StretchInfo], read: Read) -> list[Stretch]:
    return [stretch for info in infos if (stretch := _read(read, info)) is not None]


def _change(finder: _Finder, shown: Sequence[Stretch], shift: Shift | None, *, rejected: bool) -> LastingChange:
    seconds = sum(stretch.seconds for stretch in shown)
    return LastingChange(_joined(map(_span, shown)), seconds, finder.box, shift, rejected)


class _Finder:
    """Compares stretches of one camera. ``position``: of the stream of places."""

    def __init__(self, bank: Bank, rule: EventRule, position: int, muted: frozenset[StreamKind]) -> None:
        self._bank, self._rule, self._position, self._muted = bank, rule, position, muted
        self._places: StreamBank = bank.streams[position]
        self._groups: NDArray[np.int32] = np.zeros(0, np.int32)

    def alike(self, stretches: Sequence[Stretch]) -> list[Stretch]:
        """Those that show what the latest of them shows standing still, and nothing else that alarms once that is known
        from the others. None where too few do."""
        looks = [(stretch, look) for stretch in stretches if (look := self._look(stretch)) is not None]
        for n in range(len(looks) - 1, max(-1, len(looks) - 4), -1):
            same = [(stretch, look) for stretch, look in looks[: n + 1] if self._is_alike(look, looks[n][1])]
            found = [
                one for one, _ in same if self._is_explained(one, [look for other, look in same if other is not one])
            ]
            if len(found) >= LEAST_STRETCHES:
                self._groups = looks[n][1].groups
                return found
        return []

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Around the places of the last that was found."""
        rows, columns = np.divmod(self._groups, COLUMNS)
        left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        return float(left / COLUMNS), float(top / ROWS), float(right / COLUMNS), float(bottom / ROWS)

    @cached_property
    def _scales(self) -> NDArray[np.float32]:
        scales = self._places.scales
        return np.ones(PLACES, np.float32) if scales is None else scales

    @cached_property
    def _far(self) -> float:
        """The distance from which on a place is rare, in scales of the place."""
        steps = np.linspace(0.0, 20.0, 4001).tolist()
        firsts = [bisect_left(steps, RARE, key=by.rarity) for by in self._bank.telling_rare(self._position)]
        return float(steps[min(*firsts, len(steps) - 1)])

    def _look(self, stretch: Stretch) -> _Look | None:
        """Of the places that are far from normal in nearly all of the stretch, and look alike throughout."""
        samples = _samples(stretch, self._position)
        if not samples or any(len(one) != len(samples[0]) for one in samples):
            return None
        groups = samples[0].groups
        vectors = np.stack([np.asarray(one.vectors, np.float32) for one in samples])
        far = np.stack([self._places.distances(one).mean(axis=1) >= self._far for one in samples])
        middle = np.median(vectors, axis=0)
        still = np.linalg.norm(vectors - middle, axis=2) / self._scales[groups] < self._far
        stays = (far & still).mean(axis=0) >= _MOSTLY
        if not stays.any():
            return None
        rests = still.mean(axis=0) >= _MOSTLY
        some = vectors[np.linspace(0, len(vectors) - 1, min(_TAUGHT, len(vectors))).round().astype(int)]
        shown = np.concatenate([*some[:, rests], middle[rests]])
        return _Look(groups[stays], middle[stays], StreamVectors(shown, np.tile(groups[rests], len(some) + 1)))

    def _is_alike(self, one: _Look, other: _Look) -> bool:
        """Whether most places of either are such in both, and look the same."""
        _, mine, its = np.intersect1d(one.groups, other.groups, return_indices=True)
        apart = np.linalg.norm(one.means[mine] - other.means[its], axis=1) / self._scales[one.groups[mine]]
        same = int((apart < self._far).sum())
        return same >= _ALIKE * max(1, min(len(one.groups), len(other.groups)))

    def _is_explained(self, stretch: Stretch, others: Sequence[_Look]) -> bool:
        """Whether nothing would have alerted in it, had the bank known how the others look."""
        if not others:
            return False
        scorer = FrameScorer(self._bank, self._rule)
        scorer.mute(self._muted)
        scorer.use_additions(Additions(self._bank, [Addition(self._vectors(others))]))
        with suppress(NonFiniteScoreError):
            return not any(
                scorer.score(features, at_s, discontinuity=starts).event_open
                for features, at_s, starts in _frames(stretch)
            )
        return False

    def _vectors(self, looks: Sequence[_Look]) -> tuple[StreamVectors, ...]:
        vectors = np.concatenate([look.shown.vectors for look in looks])
        groups = np.concatenate([look.shown.groups for look in looks])
        nothing = StreamVectors(np.zeros((0, 1), np.float32), np.zeros(0, np.int32))
        known = StreamVectors(vectors, groups)
        return tuple(known if n == self._position else nothing for n in range(len(self._bank.streams)))


def _some(over: Sequence[StretchInfo]) -> list[StretchInfo]:
    """Not more than may be read, the first and the last among them."""
    if len(over) <= _MOST_READ:
        return list(over)
    return [over[n] for n in np.unique(np.linspace(0, len(over) - 1, _MOST_READ).round().astype(int))]


def _read(read: Read, info: StretchInfo) -> Stretch | None:
    try:
        return read(info.id)
    except PatchwatchError:  # damaged, or let go meanwhile
        return None


def _samples(stretch: Stretch, position: int) -> list[Features]:
    """Some of the different features of a stream, of frames in which the picture as a whole was right."""
    found: dict[int, Features] = {}
    for features, excluded in zip(stretch.features[position], stretch.excluded.tolist(), strict=True):
        if len(features) and not excluded & Exclusion.CONDITION:
            found[id(features)] = features
    every = list(found.values())
    return every[:: max(1, len(every) // _SAMPLES)]


def _frames(stretch: Stretch) -> Iterator[tuple[tuple[Features, ...], float, bool]]:
    """Features in float32, own time and whether a run begins, of the frames in which the picture was right."""
    last_run = None
    frames = frames_within(stretch, (_span(stretch),))
    for n, features in enumerate(frames):
        if stretch.excluded[n] & Exclusion.CONDITION:
            continue
        run = int(stretch.runs[n])
        yield features, float(stretch.times_s[n]), run != last_run
        last_run = run


def _span(stretch: Stretch) -> SpanMs:
    return stretch.started_ms, stretch.started_ms + round(1000 * stretch.seconds)


def _joined(spans: Iterator[SpanMs]) -> tuple[SpanMs, ...]:
    """Those that follow each other closely as one."""
    found: list[SpanMs] = []
    for from_ms, until_ms in spans:
        if found and from_ms - found[-1][1] <= _GAP_MS:
            found[-1] = found[-1][0], until_ms
        else:
            found.append((from_ms, until_ms))
    return tuple(found)


def _shift(before: Sequence[Stretch], after: Sequence[Stretch]) -> Shift | None:
    """The shift of the picture that the first and the last stretch show alike, against one from before."""
    for usual in map(_picture, reversed(before)):
        shifts = [
            None if usual is None or (seen := _picture(one)) is None else shift_between(usual, seen)
            for one in (after[0], after[-1])
        ]
        if shifts[0] is not None and shifts[1] is not None and shifts[0].near(shifts[1]):
            return shifts[1]
    return None


def _picture(stretch: Stretch) -> NDArray[np.uint8] | None:
    """A small grey picture of it; None where it has none."""
    if not stretch.thumbnails:
        return None
    jpeg = stretch.thumbnails[len(stretch.thumbnails) // 2].jpeg
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE) if jpeg else None
    return None if picture is None else np.asarray(picture, np.uint8)
