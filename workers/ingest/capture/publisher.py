"""Frames into a camera's queue."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import redis

from patchwatch.bus.accounting import committed_position, stream_head
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import translated
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.streams import stream_info
from patchwatch.bus.unlogged_writes import add_entry
from patchwatch.contract.errors import BusFullError, BusUnavailableError, InvalidMessageError, LeaseLapsedError
from patchwatch.messages.frame import FrameGaps, FrameMessage
from workers.runtime.lease import Lease

_PAUSE_S = 0.02  # between looks at a full queue
_LOOKS_TO_BE_SURE = 50  # of which one reads the queue itself, with a picture
_RETRY_S = 0.5  # between attempts at a Redis that does not answer
_LEAST_QUEUE = 4  # frames, however full Redis is
log = logging.getLogger("patchwatch.ingest")


class Stopped(Exception):
    """The capture was told to stop while it waited for Redis or for room."""


class Publisher:
    """Writes a camera's frames to its stream, under the lease of its capture: the only writer. Blocking, one thread.

    ``pause`` waits the given seconds and returns False when told to stop. Live frames push out the oldest when
    the queue is full (the reader sees the gap in ``seq`` and counts it), and are given up and counted in
    ``unpublished`` while Redis is away or the lease has expired. Lossless frames wait in these cases. Each frame
    carries the `FrameGaps` that say why numbers before it are missing: after a failed write, or when the stream is
    gone, they are reconstructed from what Redis still has.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: CameraKeys,
        lease: Lease,
        *,
        queue_frames: int,
        lossless: bool,
        pause: Callable[[float], bool],
        clock: BusClock | None = None,
    ) -> None:
        self._client = client
        self._keys = keys
        self._lease = lease
        self._queue_frames = queue_frames
        self._room = queue_frames  # of a live queue; less for a while after Redis was full
        self._lossless = lossless
        self._pause = pause
        self._clock = clock or BusClock()
        self._away_until_s = 0.0  # monotonic: a dead server is not asked again for every frame
        self._books = FrameGaps()
        self._head = 0  # newest frame that Redis is known to have had; the books are those up to it
        self._given_up = 0  # frames after it that it never got
        self._sure = False  # whether the last write was answered
        self.seq = 0  # last one used
        self.last_captured_ns: int | None = None  # of the newest frame that was in the queue at `start`

    @property
    def unpublished(self) -> int:
        """Frames that never reached Redis, since these books began."""
        return self._books.unpublished + self._given_up

    def start(self, after_seq: int = 0) -> None:
        """Find where the sequence stopped. Waits for Redis; raises `Stopped`."""
        while True:
            try:
                with translated():
                    self._clock.sync(self._client)
                    self._find_place(after_seq)
                return
            except BusUnavailableError as error:
                log.debug("%s", error)
                self._wait(_RETRY_S)

    def sync_clock(self) -> None:
        """Follow Redis' time, where it answers."""
        if time.monotonic() >= self._away_until_s:
            try:
                with translated():
                    self._clock.sync(self._client)
            except BusUnavailableError:
                self._away_until_s = time.monotonic() + _RETRY_S

    def next_seq(self) -> int:
        """Number of the next frame; each captured frame takes one, published or not."""
        self.seq += 1
        return self.seq

    def publish(self, frame: FrameMessage) -> bool:
        """Returns whether the frame is in the queue. Raises `Stopped` while a lossless frame waits, `LeaseLostError`
        once another worker captures the camera."""
        if self._lossless:
            self._publish_surely(frame)
            return True
        if time.monotonic() >= self._away_until_s:
            try:
                self._add(frame, maxlen=self._room)
                self._room = min(self._queue_frames, self._room + 1)
                return True
            except LeaseLapsedError:
                pass  # the supervisor may get it back
            except BusFullError:
                self._make_room()
            except BusUnavailableError:
                self._away_until_s = time.monotonic() + _RETRY_S
        self._given_up += 1
        return False

    def _publish_surely(self, frame: FrameMessage) -> None:
        while True:
            try:
                self._wait_for_room(frame.seq)
                self._add(frame, maxlen=None)
                return
            except (BusUnavailableError, LeaseLapsedError):
                self._wait(_RETRY_S)

    def _make_room(self) -> None:
        """Redis is full: a shorter queue lets the others, and our next frame, go on. It grows again frame by frame."""
        self._room = max(_LEAST_QUEUE, self._room // 2)
        with contextlib.suppress(BusUnavailableError), translated():
            self._client.xtrim(self._keys.frames, maxlen=self._room, approximate=False)

    def _add(self, frame: FrameMessage, maxlen: int | None) -> None:
        follows = self._sure and self._head == frame.seq - 1
        self._sure = False
        with translated():
            if not (follows and self._append(frame, maxlen)):
                self._rejoin(frame, maxlen)
        self._head, self._given_up, self._sure = max(self._head, frame.seq), 0, True

    def _append(self, frame: FrameMessage, maxlen: int | None) -> bool:
        """False, and nothing written, when the stream is gone. With a flush goes the lease, which is watched."""
        exists = False

        def is_there(pipe: Any) -> bool:
            nonlocal exists
            pipe.watch(self._lease.unit.lease)
            exists = bool(pipe.exists(self._keys.frames))
            return exists

        self._lease.write(self._client, lambda pipe: self._queue_next(pipe, frame, maxlen), is_there)
        return exists

    def _rejoin(self, frame: FrameMessage, maxlen: int | None) -> None:
        """Add a frame after it was uncertain what Redis has. One that is there already, because an earlier attempt
        arrived although its answer did not, stays there once."""
        books = self._books

        def is_missing(pipe: Any) -> bool:
            nonlocal books
            pipe.watch(self._keys.frames)
            head = self._head_in(pipe)
            if head is not None and head[0] >= frame.seq:
                books = head[1]
                return False
            books = self._books_before(frame.seq, head)
            return True

        self._lease.write(self._client, lambda pipe: self._queue(pipe, frame, books, maxlen), is_missing)
        self._books = books

    def _queue_next(self, pipe: Any, frame: FrameMessage, maxlen: int | None) -> None:
        """Live pictures stay out of the append-only file, those of recordings are in it, because nothing may be lost.
        So is the first of a stream, or the file would not know of it."""
        if maxlen is None:
            self._queue(pipe, frame, self._books, maxlen)
            return
        add_entry(pipe, self._keys.frames, self._books.added_to(frame.encode()), entry_id=frame.entry_id, maxlen=maxlen)

    def _queue(self, pipe: Any, frame: FrameMessage, books: FrameGaps, maxlen: int | None) -> None:
        fields = books.added_to(frame.encode())
        pipe.xadd(self._keys.frames, fields, id=frame.entry_id, maxlen=maxlen, approximate=False)

    def _books_before(self, seq: int, head: tuple[int, FrameGaps] | None) -> FrameGaps:
        if head is None:  # a new camera, or Redis lost all that it had
            return FrameGaps(self._given_up, seq - 1 - self._given_up, self._clock.now_ms())
        in_queue, books = head
        if in_queue >= self._head:
            return replace(books, unpublished=books.unpublished + seq - 1 - in_queue)
        mine = self._books  # Redis came back with an older snapshot
        return replace(
            mine, unpublished=mine.unpublished + seq - 1 - self._head, lost=mine.lost + self._head - in_queue
        )

    def _head_in(self, client: Any) -> tuple[int, FrameGaps] | None:
        """The newest sequence number that the stream has had, and its books; None when there is no stream."""
        info = stream_info(client, self._keys.frames)
        if info is None:
            return None
        return stream_head(info, committed_position(*client.hmget(self._keys.state, "seq", "books")))

    def _wait_for_room(self, seq: int) -> None:
        looks = 1
        while not (self._has_room(seq) or (looks % _LOOKS_TO_BE_SURE == 0 and self._nothing_waits())):
            self._wait(_PAUSE_S)
            looks += 1

    def _has_room(self, seq: int) -> bool:
        with translated():
            committed = self._client.hget(self._keys.state, "seq")
            if committed is not None:
                return seq - int(committed) <= self._queue_frames
            return int(self._client.xlen(self._keys.frames)) < self._queue_frames

    def _nothing_waits(self) -> bool:
        """There may be numbers that no frame in the queue has, as when Redis came back with an older snapshot."""
        with translated():
            committed = int(self._client.hget(self._keys.state, "seq") or 0)
            return not self._client.xrange(self._keys.frames, min=f"({committed}-0", count=1)

    def _find_place(self, after_seq: int) -> None:
        committed = int(self._client.hget(self._keys.state, "seq") or 0)
        head = self._head_in(self._client)
        in_queue, self._books = head or (0, FrameGaps())
        self.seq = max(after_seq, committed, in_queue)
        self._head = in_queue if head else self.seq
        self._given_up = self.seq - self._head
        self.last_captured_ns = self._newest_captured_ns()

    def _newest_captured_ns(self) -> int | None:
        entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", self._client.xrevrange(self._keys.frames, count=1))
        for entry_id, fields in entries:
            try:
                return FrameMessage.decode(entry_id, fields).captured_at_ns
            except InvalidMessageError:
                return None
        return None

    def _wait(self, seconds: float) -> None:
        if not self._pause(seconds):
            raise Stopped
