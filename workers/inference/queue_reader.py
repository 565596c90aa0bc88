"""Takes frames of many cameras from the queue: one engine's cameras at a time, each camera's oldest frames first.

Engines share the time of the scoring thread fairly (`FairScheduler`).
Where a camera has fallen behind, frames that cannot be scored in time are passed over in favour of fresher ones.
"""

from __future__ import annotations

import logging
import math
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import redis

from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import BLOCK_MS, translated
from patchwatch.contract.errors import InvalidMessageError
from patchwatch.contract.logs import about
from patchwatch.messages.frames.frame import FrameGaps, FrameMessage
from workers.inference.camera_state import Arrivals, CameraState

_LOOK_AHEAD_FRAMES = 256  # of a late camera, examined at once
_FEW_HAD = 4  # frames wait in less than one in so many cameras
_MOST_ASKED = 256  # cameras at once
GATHER_S = 2e-5  # times the cameras: to ask so many takes about as long, and should pay with more than one frame
_NO_ENGINE = ""  # of cameras whose frames are only counted
_TO_LEARN = "learn "  # before the profile of cameras whose frames are not scored, but learnt; no profile is named so
_BUSY = 0.8  # share of the scoring thread's time; beyond, there is none for frames that are not scored
log = logging.getLogger(__name__)
States = Mapping[str, CameraState]  # by the key of the camera's frames
Entry = tuple[bytes, dict[bytes, bytes]]
_REMEMBER_S = 5.0  # time constant in which used time is forgotten
_TURN_SHARE = 0.25  # of the age at which frames are dropped: the longest turn, as all others wait for it
_BLEND = 0.3  # of a new measurement of the cost
_FIRST_FRAMES = 4  # a turn of an engine whose cost is not known yet


class QueuedFrame(NamedTuple):
    """An entry of a camera's frame queue. ``message`` is None when the entry is not a frame of a known version,
    ``gaps`` when the entry came without any. ``late``: the frame could be scored only at the cost of fresher ones, and
    is dropped if it is live."""

    state: CameraState
    seq: int
    message: FrameMessage | None
    gaps: FrameGaps | None = None
    late: bool = False


class FrameAge:
    """Judges a frame by what is known without any wall clock, where that suffices: how late it was when it was
    captured, and how long it can have been in the queue. Only a frame that may be older is judged by its timestamp, on
    the clock of Redis.
    """

    def __init__(self, client: Any, max_age_s: float, clock: BusClock | None = None) -> None:
        self.clock = clock or BusClock()
        self._client = client
        self._max_age_s = max_age_s

    def is_too_old(self, arrivals: Arrivals, message: FrameMessage) -> bool:
        """``arrivals``: of the frame's camera. Raises `BusUnavailableError`."""
        if not message.live:
            return False
        waited_s = arrivals.waited_at_most_s(message.seq, time.monotonic())
        if message.late_ms / 1000 + waited_s <= self._max_age_s:
            return False
        with translated():
            self.clock.sync(self._client)
        return self.clock.now_ns() - message.captured_at_ns > self._max_age_s * 1e9


class QueueReader:
    """Reads each camera's queue from its position on. Raises `BusUnavailableError`.

    Frames that are not taken stay in the queue: a position moves only when a frame is scored or dropped.
    """

    def __init__(
        self, client: redis.Redis, batch_frames: int, batch_wait_s: float, max_age_s: float, age: FrameAge | None = None
    ) -> None:
        self._client = client
        self._scheduler = FairScheduler(batch_frames, max_age_s)
        self._batch_wait_s = batch_wait_s
        self._age = age or FrameAge(client, max_age_s)

    def read(self, states: States) -> list[QueuedFrame]:
        """Frames of one engine's cameras, in order for each; empty when none came for a second."""
        frames = self._read_turn(states)
        if not frames and self._read_entries({key: state.position for key, state in states.items()}, 1, BLOCK_MS):
            time.sleep(GATHER_S * len(states))
            frames = self._read_turn(states)
        return frames

    def has_time(self) -> bool:
        """Whether the scoring thread was idle for a part of the last seconds."""
        return self._scheduler.load() < _BUSY

    def record_cost(self, frames: Sequence[QueuedFrame], seconds: float) -> None:
        """Scoring and committing what `read` returned took so long."""
        if frames:
            scored = sum(frame.message is not None and not frame.late for frame in frames)
            self._scheduler.record_cost(_engine_name(frames[0].state), scored, seconds)

    def _read_turn(self, states: States) -> list[QueuedFrame]:
        by_engine: dict[str, dict[str, CameraState]] = defaultdict(dict)
        for key, state in states.items():
            by_engine[_engine_name(state)][key] = state
        for engine in self._scheduler.order({engine: len(cameras) for engine, cameras in by_engine.items()}):
            if frames := self._read_engine(engine, by_engine[engine]):
                return frames
        return []

    def _read_engine(self, engine: str, states: States) -> list[QueuedFrame]:
        """Up to a turn's frames; the cameras that have waited longest come first."""
        limit = self._scheduler.turn_frames(engine)
        share = max(1, limit // len(states))
        positions = {key: state.position for key, state in states.items()}
        longest_waiting = sorted(states, key=lambda key: states[key].last_taken_s)
        frames: list[QueuedFrame] = []
        asked, at_once = 0, limit
        while asked < len(longest_waiting) and (not frames or _timely(frames) < limit):
            keys = longest_waiting[asked : asked + at_once]
            asked_s = time.monotonic()
            answer = self._read_entries({key: positions[key] for key in keys}, share)
            for key in keys:
                entries = answer.get(key, [])
                if len(entries) < share:  # these were all that there were
                    states[key].arrivals.observe(_seq(entries[-1]) if entries else positions[key], asked_s)
            for key, entries in answer.items():  # the cameras that have waited longest come first here, too
                if frames and _timely(frames) >= limit:
                    break
                frames += self._fresh(engine, states[key], entries, len(states), share)
                positions[key] = frames[-1].seq
            asked, at_once = asked + len(keys), _next_reading(len(keys), len(answer), limit)
        if frames and _batches_pay(states):
            self._fill(frames, states, positions, limit, share)
        return frames

    def _fill(
        self, frames: list[QueuedFrame], states: States, positions: dict[str, int], limit: int, share: int
    ) -> None:
        """Wait for more where networks run in batches, up to the turn's size or the deadline."""
        deadline_s = time.monotonic() + self._batch_wait_s
        while len(frames) < limit and (left_ms := int((deadline_s - time.monotonic()) * 1000)) > 0:
            for key, entries in self._read_entries(positions, share, left_ms).items():
                more = [queued_frame(states[key], entry) for entry in entries]
                positions[key] = more[-1].seq
                frames += more

    def _fresh(
        self, engine: str, state: CameraState, entries: Sequence[Entry], cameras: int, share: int
    ) -> list[QueuedFrame]:
        """A camera's next frames. When the oldest is too old already, more will be: frames that cannot be scored in
        time are then passed over at once, instead of each being scored at the last moment."""
        frames = [queued_frame(state, entry) for entry in entries]
        if engine == _NO_ENGINE or not self._is_too_old(state, frames[0].message):
            return frames
        timely = self._scheduler.timely_frames(engine, cameras)
        with translated():
            waiting: Any = self._client.xrange(state.keys.frames, min=f"({state.position}-0", count=_LOOK_AHEAD_FRAMES)
        ahead = [queued_frame(state, entry) for entry in waiting] or frames
        chosen: list[QueuedFrame] = []
        for number, frame in enumerate(ahead):
            late = self._is_too_old(state, frame.message) or (_is_live(frame.message) and number < len(ahead) - timely)
            share -= not late
            if share < 0:
                break
            chosen.append(frame._replace(late=late))
        return chosen

    def _is_too_old(self, state: CameraState, message: FrameMessage | None) -> bool:
        return message is not None and self._age.is_too_old(state.arrivals, message)

    def _read_entries(
        self, positions: Mapping[str, int], count: int, block_ms: int | None = None
    ) -> dict[str, list[Entry]]:
        after: dict[Any, Any] = {key: f"{seq}-0" for key, seq in positions.items()}
        with translated():
            answer: Any = self._client.xread(after, count=count, block=block_ms)
        return {key.decode(): entries for key, entries in answer or ()}


def queued_frame(state: CameraState, entry: Entry) -> QueuedFrame:
    """Decode an entry of a camera's queue; an unreadable one is logged."""
    entry_id, fields = entry
    seq = _seq(entry)
    try:
        return QueuedFrame(state, seq, FrameMessage.decode(entry_id, fields), FrameGaps.from_fields(fields))
    except InvalidMessageError as error:
        log.warning("%s: %s", state.camera.id, error, extra=about(state.camera.id, seq))
        return QueuedFrame(state, seq, None, FrameGaps.from_fields(fields))


def _seq(entry: Entry) -> int:
    return int(entry[0].split(b"-")[0])


def _engine_name(state: CameraState) -> str:
    if state.bank.scorer is not None:
        return state.camera.profile
    return _NO_ENGINE if state.bank.learner is None else _TO_LEARN + state.camera.profile


def _batches_pay(states: States) -> bool:
    return any(state.bank.engine is not None and state.bank.engine.has_backbone for state in states.values())


def _timely(frames: Sequence[QueuedFrame]) -> int:
    return len([frame for frame in frames if not frame.late])


def _next_reading(asked: int, had_frames: int, limit: int) -> int:
    """How many cameras to ask at once, when so many of those asked last had frames: a turn's worth where all had, and
    more where few had, as each question is a way to Redis and back."""
    if had_frames * _FEW_HAD > asked:
        return limit
    return min(asked * _FEW_HAD, max(limit, _MOST_ASKED))


def _is_live(message: FrameMessage | None) -> bool:
    return message is not None and message.live


class FairScheduler:
    """Shares time, not frames, among the engines: one of 150 ms a frame does not hold up one of 2 ms.

    The engine that recently used the least time per camera is next; a turn is as many frames as its measured cost lets
    it score within a quarter of ``max_age_s``. Each engine waits for at most one turn of every other, and none starves.
    An engine's first turn is not charged: it sets up libraries, which says nothing about the next. Engines are known by
    name.
    """

    def __init__(self, batch_frames: int, max_age_s: float) -> None:
        self._batch_frames = batch_frames
        self._max_age_s = max_age_s
        self._cost_s: dict[str, float] = {}  # of a frame
        self._used_s: dict[str, float] = {}  # recently
        self._warm: set[str] = set()
        self._recorded_s = time.monotonic()

    def order(self, cameras: dict[str, int]) -> list[str]:
        """The engines in the order in which they should have their turns. ``cameras``: how many each engine has."""
        return sorted(cameras, key=lambda engine: self._used_s.get(engine, 0.0) / cameras[engine])

    def turn_frames(self, engine: str) -> int:
        """Most frames of one turn; at least 1."""
        if engine not in self._cost_s:
            return min(_FIRST_FRAMES, self._batch_frames)
        within = self._max_age_s * _TURN_SHARE / max(1e-6, self._cost_s[engine])
        return max(1, min(self._batch_frames, int(within)))

    def timely_frames(self, engine: str, cameras: int) -> int:
        """How many frames of each of its cameras an engine can score before they are half as old as they may be."""
        if engine not in self._cost_s:
            return self._batch_frames
        return max(1, int(self._max_age_s / 2 / max(1e-6, self._cost_s[engine] * cameras)))

    def load(self) -> float:
        """Share of the last seconds that all engines together used: about 1 where they never wait."""
        faded = math.exp((self._recorded_s - time.monotonic()) / _REMEMBER_S)
        return sum(self._used_s.values()) * faded / _REMEMBER_S

    def record_cost(self, engine: str, frames: int, seconds: float) -> None:
        """A turn that scored so many frames took so long."""
        if frames and engine not in self._warm:
            self._warm.add(engine)
            return
        now_s = time.monotonic()
        faded = math.exp((self._recorded_s - now_s) / _REMEMBER_S)
        self._used_s = {name: used_s * faded for name, used_s in self._used_s.items()}
        self._used_s[engine] = self._used_s.get(engine, 0.0) + seconds
        self._recorded_s = now_s
        if frames:
            cost_s = seconds / frames
            self._cost_s[engine] = (1 - _BLEND) * self._cost_s.get(engine, cost_s) + _BLEND * cost_s
