"""Takes frames of many cameras from the queue: those of one engine at a time, oldest first, and fresh ones if late."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import redis

from patchwatch.bus.connection import BLOCK_MS, translated
from patchwatch.contract.errors import InvalidMessageError
from patchwatch.messages.frame import FrameGaps, FrameMessage
from workers.inference.camera_state import CameraState
from workers.inference.fair_scheduler import FairScheduler
from workers.inference.frame_age import FrameAge

_LOOK_AHEAD = 256  # frames of a late camera looked through at once
_NO_ENGINE = ""  # of cameras whose frames are only counted
log = logging.getLogger(__name__)
Sessions = Mapping[str, CameraState]
Entry = tuple[bytes, dict[bytes, bytes]]


class QueuedFrame(NamedTuple):
    """An entry of a camera's frame stream; ``message`` is None when it is not a frame of a known version, ``books``
    when none came with it. ``late``: it could be scored only at the cost of fresher ones, and is to be dropped if it
    is live."""

    session: CameraState
    seq: int
    message: FrameMessage | None
    books: FrameGaps | None = None
    late: bool = False


class QueueReader:
    """Reads after each session's position. Raises `BusUnavailableError`.

    Frames that are not taken stay where they are: a position moves only when a frame is scored or dropped.
    """

    def __init__(
        self, client: redis.Redis, batch_frames: int, batch_wait_s: float, max_age_s: float, age: FrameAge | None = None
    ) -> None:
        self._client = client
        self._shares = FairScheduler(batch_frames, max_age_s)
        self._batch_wait_s = batch_wait_s
        self._age = age or FrameAge(client, max_age_s)

    def read(self, sessions: Sessions) -> list[QueuedFrame]:
        """Frames of one engine's cameras, in order for each; empty when none came for a second. Sessions by the key of
        their frames."""
        taken = self._next_turn(sessions)
        if not taken and self._entries({key: session.position for key, session in sessions.items()}, 1, BLOCK_MS):
            taken = self._next_turn(sessions)
        return taken

    def spent(self, taken: Sequence[QueuedFrame], seconds: float) -> None:
        """Scoring and committing what `read` gave took so long."""
        if taken:
            scored = sum(entry.message is not None and not entry.late for entry in taken)
            self._shares.spent(_engine(taken[0].session), scored, seconds)

    def _next_turn(self, sessions: Sessions) -> list[QueuedFrame]:
        by_engine: dict[str, dict[str, CameraState]] = defaultdict(dict)
        for key, session in sessions.items():
            by_engine[_engine(session)][key] = session
        for engine in self._shares.order({engine: len(of) for engine, of in by_engine.items()}):
            if taken := self._turn(engine, by_engine[engine]):
                return taken
        return []

    def _turn(self, engine: str, sessions: Sessions) -> list[QueuedFrame]:
        """Up to a turn's frames; cameras that were not served for longest come first."""
        most = self._shares.turn_frames(engine)
        share = max(1, most // len(sessions))
        positions = {key: session.position for key, session in sessions.items()}
        longest_waiting = sorted(sessions, key=lambda key: sessions[key].last_taken_s)
        taken: list[QueuedFrame] = []
        for some in _batched(longest_waiting, most):
            asked = {key: positions[key] for key in some}
            asked_s = time.monotonic()
            found = self._entries(asked, share)
            for key, seq in asked.items():
                _note_arrivals(sessions[key], found.get(key, []), seq, share, asked_s)
            for key, entries in found.items():
                taken += self._fresh(engine, sessions[key], entries, len(sessions), share)
                positions[key] = taken[-1].seq
            if sum(not entry.late for entry in taken) >= most:
                break
        if taken and _batches_pay(sessions):
            self._fill(taken, sessions, positions, most, share)
        return taken

    def _fill(
        self, taken: list[QueuedFrame], sessions: Sessions, positions: dict[str, int], most: int, share: int
    ) -> None:
        """Wait for more where networks run in batches, up to the turn's size or the deadline."""
        deadline_s = time.monotonic() + self._batch_wait_s
        while len(taken) < most and (left_ms := int((deadline_s - time.monotonic()) * 1000)) > 0:
            for key, entries in self._entries(positions, share, left_ms).items():
                more = [_taken(sessions[key], entry) for entry in entries]
                positions[key] = more[-1].seq
                taken += more

    def _fresh(
        self, engine: str, session: CameraState, entries: Sequence[Entry], cameras: int, share: int
    ) -> list[QueuedFrame]:
        """A camera's next frames. When the oldest is too old already, more will be: then those that cannot be scored in
        time are passed over at once, instead of each being scored at the last moment."""
        taken = [_taken(session, entry) for entry in entries]
        if engine == _NO_ENGINE or not self._too_old(session, taken[0].message):
            return taken
        timely = self._shares.timely_frames(engine, cameras)
        with translated():
            waiting: Any = self._client.xrange(session.keys.frames, min=f"({session.position}-0", count=_LOOK_AHEAD)
        ahead = [_taken(session, entry) for entry in waiting] or taken
        chosen: list[QueuedFrame] = []
        for number, entry in enumerate(ahead):
            late = self._too_old(session, entry.message) or (_live(entry.message) and number < len(ahead) - timely)
            share -= not late
            if share < 0:
                break
            chosen.append(entry._replace(late=late))
        return chosen

    def _too_old(self, session: CameraState, message: FrameMessage | None) -> bool:
        return message is not None and self._age.is_too_old(session, message)

    def _entries(self, positions: Mapping[str, int], count: int, block_ms: int | None = None) -> dict[str, list[Entry]]:
        after: dict[Any, Any] = {key: f"{seq}-0" for key, seq in positions.items()}
        with translated():
            answer: Any = self._client.xread(after, count=count, block=block_ms)
        return {key.decode(): entries for key, entries in answer or ()}


def _note_arrivals(
    session: CameraState, entries: Sequence[Entry], after_seq: int, asked_for: int, now_s: float
) -> None:
    """Where fewer came than were asked for, that was all there was."""
    if len(entries) < asked_for:
        session.arrivals.looked(_seq(entries[-1]) if entries else after_seq, now_s)


def _seq(entry: Entry) -> int:
    return int(entry[0].split(b"-")[0])


def _engine(session: CameraState) -> str:
    return session.camera.profile if session.ready else _NO_ENGINE


def _batches_pay(sessions: Sessions) -> bool:
    return any(session.engine and session.engine.profile.needs_backbone for session in sessions.values())


def _batched(keys: Sequence[str], count: int) -> Iterator[list[str]]:
    waiting = iter(keys)
    while some := list(islice(waiting, count)):
        yield some


def _live(message: FrameMessage | None) -> bool:
    return message is not None and message.live


def _taken(session: CameraState, entry: Entry) -> QueuedFrame:
    entry_id, fields = entry
    seq = _seq(entry)
    try:
        return QueuedFrame(session, seq, FrameMessage.decode(entry_id, fields), FrameGaps.from_fields(fields))
    except InvalidMessageError as error:
        log.warning("%s: %s", session.camera.id, error)
        return QueuedFrame(session, seq, None, FrameGaps.from_fields(fields))
