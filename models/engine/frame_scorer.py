"""From the features of a frame to its score and events, by one scorer per camera."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.alarms.calibration import NEUTRAL_RARITY, TAIL_RARITY, score_of
from models.alarms.event_detector import AlertGate, Event, EventDetector, EventRule
from models.banks.additions import Additions, InForce
from models.banks.bank import Bank, StreamDistance, frame_distance
from models.banks.group_scale import loudest
from models.engine.explained_places import explained_places, explaining_streams
from models.engine.score_history import ScoreHistory
from models.frames.frame import Box, Features
from models.profiles.fusion import driver, fuse, group_means
from models.profiles.lasting import LastingMeans
from models.profiles.profile import NEVER_SILENT, Fusion, Profile, StreamKind
from models.profiles.staying import Staying
from patchwatch.contract.errors import NonFiniteScoreError

_Distances = tuple[StreamDistance | None, StreamDistance | None]  # with what operators added, and without


@dataclass(frozen=True)
class FrameScore:
    """The score of one frame, and what it was made of.

    ``raw``: fused value, neither smoothed nor bounded (in the unit of the profile's fusion). ``unsmoothed`` and
    ``score`` are in 0..1. ``rarities``: per reading of the profile, ``distances``: per stream, None where it had no
    evidence. ``driver``: name of the stream that contributed most; ``box_xyxy_px``: the region of its evidence, in
    pixels of the frame.
    ``changes``: events opened, raised, closed. ``score_without_additions``: what ``score`` would be without what
    operators added; None where nothing of that is in force. ``rejoined``: the smoothing began again with this frame.
    ``events_began``: what was open before had been closed without a frame. Both are what a replay of the scores needs.
    ``context``: name of the one that the picture shows, with whose normal alone it was compared; None without such.
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
    score_without_additions: float | None = None
    rejoined: bool = False
    events_began: bool = False
    context: str | None = None


@dataclass(frozen=True, slots=True)
class _FusedFrame:
    """``group``: number in `Profile.compared` of what the fused value, ``raw``, comes from. ``rarities``: of each
    reading."""

    raw: float | None
    group: int
    unsmoothed: float
    rarities: tuple[float | None, ...]
    staying: list[Staying | None]


class FrameScorer:
    """Scores the frames of one camera in order. Its `state` after a frame is all that the next frame needs."""

    def __init__(self, bank: Bank, rule: EventRule | None = None) -> None:
        """``rule``: None takes the bank's own, for the alarm budget it was learnt for."""
        self.bank = bank
        self._weights = [spec.weight for spec in bank.profile.streams]
        self._muted: frozenset[StreamKind] = frozenset()
        self._groups, self._explained = bank.profile.groups, explaining_streams(bank)
        self._kinds, self.readings = _kinds_of_readings(bank.profile), bank.profile.readings
        self._only_in_tail = bank.profile.only_in_tail
        self._weights_in = [_of_group(self._weights, streams) for streams in bank.profile.compared]
        self._never_silent = [n for n, spec in enumerate(bank.profile.streams) if spec.kind in NEVER_SILENT]
        self._history = ScoreHistory(bank)
        self._events = EventDetector(rule or bank.rule)
        self._rejoined = self._events_began = True  # until the next score
        self._measured: list[tuple[Features, _Distances] | None] = [None] * len(bank.streams)
        self._additions: Additions | None = None
        self._added: InForce | None = None
        self._without: ScoreHistory | None = None  # of the frames as they would be without additions in force
        self.context: str | None = None  # of the last frame scored

    @property
    def rule(self) -> EventRule:
        return self._events.rule

    def use_rule(self, rule: EventRule) -> None:
        """Go on under another rule. An open event stays open until the score falls below the new ``off``."""
        self._events.rule = rule

    def mute(self, kinds: frozenset[StreamKind]) -> None:
        """From now on, streams of these kinds count for nothing in the score. They are measured and explained. The
        score begins again where that changes, or it would stay as it was where nothing is left to be heard."""
        if kinds != self._muted:
            self._muted = kinds
            self._forget()

    def use_additions(self, additions: Additions | None) -> None:
        """From now on, what these hold is normal too. Without any, scores are at once what they would be had there
        never been any. Raises ValueError for additions of another bank."""
        if additions is not None and additions.bank is not self.bank:
            raise ValueError(f"these additions are of bank {additions.bank.id}, not of {self.bank.id}")
        self._additions = additions
        self._count_added(additions.at(None) if additions else None)

    def _count_added(self, added: InForce | None) -> None:
        """What counts from the next frame on."""
        if added is self._added and (added is None) is (self._without is None):
            return
        self._added = added
        self._measured = [None] * len(self.bank.streams)
        if added is None and self._without is not None:
            self._history, self._without = self._without, None
        elif added is not None and self._without is None:
            self._without = self._history.copy()

    def _forget(self) -> None:
        self._rejoined = True
        self._history.forget()
        if self._without is not None:
            self._without.forget()

    @property
    def open_event(self) -> Event | None:
        return self._events.open_event

    def score(
        self,
        features: Sequence[Features],
        at_s: float,
        gate: AlertGate = AlertGate.OPEN,
        *,
        discontinuity: bool = False,
        wall_ms: int | None = None,
    ) -> FrameScore:
        """Score one frame from the features of each stream of the profile. ``gate`` affects events, not the score.
        A ``discontinuity`` resets the smoothing, as does every run of the footage that a bank is learnt from.
        ``wall_ms``: when it was captured, Unix time; unknown, additions that have hours do not count.

        Raises `NonFiniteScoreError` without any change of state when a distance is NaN or infinite.
        """
        if self._additions is not None:
            self._count_added(self._additions.at(wall_ms))
        measured = [
            self._distance(stream, part, None if by is None else self._explained_by(by, part, features[by]))
            for stream, (part, by) in enumerate(zip(features, self._explained, strict=True))
        ]
        self.context = self._shown(features)
        distances = [distance for distance, _ in measured]
        self._check_finite(distances)
        if discontinuity:
            self._forget()
        frame = self._take(self._history, at_s, features, distances)
        without = None
        if self._without is not None:
            self._take(self._without, at_s, features, [distance for _, distance in measured])
            without = self._without.score
        name, box = self._evidence(frame, distances, features)
        changes = self._events.update(at_s, self._history.score, name, box, gate)
        rejoined, began = self._rejoined, self._events_began
        self._rejoined = self._events_began = False
        return FrameScore(
            frame.raw or 0.0, frame.unsmoothed, self._history.score, frame.rarities, name, box, tuple(distances),
            tuple(changes), self.open_event is not None, without, rejoined, began, self.context,
        )  # fmt: skip

    def _take(
        self,
        history: ScoreHistory,
        at_s: float,
        features: Sequence[Features],
        distances: Sequence[StreamDistance | None],
    ) -> _FusedFrame:
        """Go on by a frame; without any evidence in it the score stays as it was."""
        staying = history.stay(at_s, features, distances) if history.staying else []
        rarities = self._rarities(distances) + (self._staying_rarities(staying) if staying else [])
        values = [distance.value if distance else None for distance in distances]
        raw, group = self._fuse(self._heard(values), self._heard(rarities), history.lasting, at_s)
        unsmoothed = score_of(NEUTRAL_RARITY if raw is None else self.bank.fused.rarity(raw))
        if raw is not None:
            history.score = history.smoothing.add(at_s, unsmoothed)
        return _FusedFrame(raw, group, unsmoothed, tuple(rarities), staying)

    def _shown(self, features: Sequence[Features]) -> str | None:
        """The context that a frame shows for certain."""
        for stream, part in zip(self.bank.streams, features, strict=True):
            if stream.contexts is not None and (number := stream.context_of(part)) is not None:
                return stream.contexts.names[number]
        return None

    def score_again(
        self, rarities: Sequence[float | None], at_s: float, *, rejoined: bool = False
    ) -> tuple[float, str | None]:
        """The score of a frame, and its leading stream, from the rarities that were known of it, one of each reading of
        the profile: what other muting would have made of them. ``rejoined``: as `FrameScore.rejoined`. Follows no
        events.

        Raises ValueError for a bank whose profile adds up distances, which rarities do not tell.
        """
        if not self.bank.groups and self.bank.profile.fusion is Fusion.DISTANCE:
            raise ValueError(f"profile {self.bank.profile.name!r} scores distances, not rarities")
        heard = self._heard(rarities)
        if rejoined:
            self._forget()
        raw, group = self._fuse(heard, heard, self._history.lasting, at_s)
        if raw is not None:
            self._history.score = self._history.smoothing.add(at_s, score_of(self.bank.fused.rarity(raw)))
        leading = self._leading(group, heard)
        return self._history.score, None if leading is None else self.bank.profile.streams[leading].name

    def _explained_by(self, stream: int, places: Features, objects: Features) -> NDArray[np.bool_] | None:
        return explained_places(places, objects, self.bank.streams[stream], self.bank.calibrations[stream])

    def _distance(self, stream: int, features: Features, explained: NDArray[np.bool_] | None) -> _Distances:
        """As measured before, where a stream gives the features of an earlier frame again."""
        last = self._measured[stream]
        if explained is None and last is not None and last[0] is features:
            return last[1]
        added = None if self._added is None else self._added[stream]
        if added is None:
            distance = frame_distance(self.bank.streams[stream], features, explained)
            distances = distance, distance
        else:
            distances = added.frame_distances(features, explained)
        if explained is None:  # else it is true of this frame alone
            self._measured[stream] = features, distances
        return distances

    def is_silent(self, score: FrameScore, *, as_learnt: bool = True) -> bool:
        """Whether a stream that is not muted found no evidence, although it finds some in every picture unless it is
        blind.

        ``as_learnt``: whether the same parts of the picture count as in the bank's footage. If not, the whole picture
        is compared by nobody, and others see for it.
        """
        streams = self.bank.profile.streams
        excused = {StreamKind.GLOBAL} if not as_learnt and len(streams) > 1 else set()
        expected = (n for n in self._never_silent if streams[n].kind not in self._muted | excused)
        return any([score.rarities[position] is None for position in expected])

    def finish(self) -> list[Event]:
        """No more frames for now: closes an open event."""
        self._events_began = True
        return self._events.finish()

    def _heard(self, values: Sequence[float | None]) -> list[float | None]:
        """Per stream or reading its value, None where it is muted."""
        return [None if kind in self._muted else value for kind, value in zip(self._kinds, values, strict=False)]

    def _fuse(
        self,
        values: Sequence[float | None],
        rarities: Sequence[float | None],
        lasting: LastingMeans | None,
        at_s: float,
    ) -> tuple[float | None, int]:
        """The fused value, None without any evidence, and the number of what it comes from in `Profile.compared`."""
        if not self.bank.groups:
            return fuse(self.bank.profile.fusion, self._weights, values, rarities), 0
        means = group_means(self._groups, self._weights, rarities)
        compared = [*(means if lasting is None else lasting.add(at_s, means)), *rarities[len(self._weights) :]]
        highest = loudest(self.bank.groups, compared, self._only_in_tail)
        return (highest.value, highest.group) if highest else (None, 0)

    def score_alone(self, stream: int, distance: float) -> float:
        """The score of a frame in which nothing but this stream had any evidence, not smoothed."""
        values: list[float | None] = [None] * len(self._weights)
        rarities: list[float | None] = [None] * len(self._kinds)
        values[stream], rarities[stream] = distance, self.bank.calibrations[stream].rarity(distance)
        raw, _ = self._fuse(values, rarities, ScoreHistory(self.bank).lasting, 0.0)
        return score_of(NEUTRAL_RARITY if raw is None else self.bank.fused.rarity(raw))

    def _check_finite(self, distances: Sequence[StreamDistance | None]) -> None:
        for spec, distance in zip(self.bank.profile.streams, distances, strict=True):
            if distance is not None and not math.isfinite(distance.value):
                raise NonFiniteScoreError(f"the frame is not scored: stream {spec.name!r} yields {distance.value}")

    def _rarities(self, distances: Sequence[StreamDistance | None]) -> list[float | None]:
        return [
            (0.0 if distance.known else calibration.rarity(distance.value)) if distance else None
            for calibration, distance in zip(self.bank.calibrations, distances, strict=True)
        ]

    def _staying_rarities(self, staying: Sequence[Staying | None]) -> list[float | None]:
        """Of what stays at its place; None where that is not rare, as nothing else of it counts."""
        pairs = zip(self.bank.staying, staying, strict=True)
        rarities = [by.rarity(one.distance) if one else 0.0 for by, one in pairs]
        return [rarity if rarity > TAIL_RARITY else None for rarity in rarities]

    def _leading(self, group: int, heard: Sequence[float | None]) -> int | None:
        """The stream that contributed most to the value of this number in `Profile.compared`."""
        streams = len(self._weights)
        return driver(self._weights_in[group], heard[:streams])

    def _evidence(
        self, frame: _FusedFrame, distances: Sequence[StreamDistance | None], features: Sequence[Features]
    ) -> tuple[str | None, Box | None]:
        """Name of the leading stream and the region that is farthest from its normal."""
        leading = self._leading(frame.group, self._heard(frame.rarities))
        distance = distances[leading] if leading is not None else None
        if leading is None or distance is None:
            return None, None
        region, number = distance.region, frame.group - len(self._weights_in) + len(frame.staying)
        if number >= 0 and (staying := frame.staying[number]) is not None:
            region = int(np.flatnonzero(features[leading].groups == staying.place)[0])
        return self.bank.profile.streams[leading].name, _box(features[leading].boxes_xyxy_px[region])

    def state(self) -> dict[str, Any]:
        """JSON values; a new scorer with the same bank and additions goes on from them exactly."""
        history = self._history
        state = {
            "bank": self.bank.id,
            "score": history.score,
            "smoothing": history.smoothing.samples,
            "events": self._events.state(),
            "rejoined": self._rejoined,
            "events_began": self._events_began,
        }
        if history.lasting is not None:
            state["lasting"] = history.lasting.samples
        if history.staying:
            state["staying"] = [places.state() for places in history.staying]
        if self._without is not None:
            state["without"] = self._without.state()
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state. Of one of another bank only an open event goes on, under the rule of this one: a
        bank that takes another's place in the middle of something must not make two alerts of it."""
        self._events.restore(state["events"])
        if state["bank"] != self.bank.id:
            self._events_began = self.open_event is None
            if self._events_began:
                self._events.finish()  # what only began to rise
            return
        self._history.restore(state["score"], state["smoothing"], state.get("lasting", ()), state.get("staying", ()))
        self._rejoined = bool(state.get("rejoined", False))  # unknown to earlier versions
        self._events_began = bool(state.get("events_began", False))
        if "without" in state:
            self._without = ScoreHistory(self.bank)
            self._without.restore(*state["without"])


def _kinds_of_readings(profile: Profile) -> list[StreamKind]:
    kinds = [spec.kind for spec in profile.streams]
    return [*kinds, *(kinds[position] for position, _ in profile.staying)]


def _of_group(weights: Sequence[float], streams: Sequence[int]) -> list[float]:
    """Weights of the streams of a group, 0 for those of others."""
    return [weight if position in streams else 0.0 for position, weight in enumerate(weights)]


def _box(edges: NDArray[np.floating]) -> Box:
    x1, y1, x2, y2 = edges.tolist()
    return x1, y1, x2, y2
