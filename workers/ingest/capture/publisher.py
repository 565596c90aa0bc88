"""Writes frames to a camera's queue."""

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
from patchwatch.bus.writes import add_entry
from patchwatch.contract.errors import BusFullError, BusUnavailableError, InvalidMessageError, LeaseLapsedError
from patchwatch.messages.frames.frame import FrameGaps, FrameMessage
from workers.runtime.leases import Lease

_CHECK_ROOM_EVERY_S = 0.02
_CHECKS_PER_READ = 50  # Every so many checks of a full queue one reads the queue itself, with a picture.
_RETRY_S = 0.5  # Between attempts while Redis does not answer.
_MIN_QUEUE = 4  # Frames, however full Redis is.
log = logging.getLogger("patchwatch.ingest")


class Stopped(Exception):
    """The capture has to stop while it waits for Redis or for room in the queue."""


class Publisher:
    """The only writer of a camera's stream, under the lease of its capture. Blocking, one thread.

    ``pause`` waits the given seconds and returns False when the capture has to stop. Live frames replace the oldest
    when the queue is full (the reader sees the gap in ``seq`` and counts it), and are skipped and counted in
    ``unpublished`` while Redis is away or the lease has expired. Lossless frames wait in these cases. Each frame
    carries the `FrameGaps` that explain missing numbers before it: after a failed write, or when the stream is gone,
    they are reconstructed from what Redis still has.
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
        self._max_frames = queue_frames  # Of a live queue; smaller after Redis was full.
        self._lossless = lossless
        self._pause = pause
        self._clock = clock or BusClock()
        self._retry_at_s = 0.0  # Monotonic: a dead server is not asked again for every frame.
        self._gaps = FrameGaps()
        self._head = 0  # The newest frame that Redis is known to have received; `_gaps` covers those up to it.
        self._skipped = 0  # Frames after it that Redis never received.
        self._confirmed = False  # Whether the last write was answered.
        self.seq = 0  # The last number used.
        self.last_captured_ns: int | None = None  # Of the newest frame in the queue at `start`.

    @property
    def unpublished(self) -> int:
        """Frames that never reached Redis, since the camera's counters began."""
        return self._gaps.unpublished + self._skipped

    def start(self, after_seq: int = 0) -> None:
        """Continue the sequence where it stopped. Waits for Redis; raises `Stopped`."""
        while True:
            try:
                with translated():
                    self._clock.sync(self._client)
                    self._restore(after_seq)
                return
            except BusUnavailableError as error:
                log.debug("%s", error)
                self._wait(_RETRY_S)

    def update_clock(self) -> None:
        """Follow the clock of Redis, if it answers."""
        if time.monotonic() >= self._retry_at_s:
            try:
                with translated():
                    self._clock.sync(self._client)
            except BusUnavailableError:
                self._retry_at_s = time.monotonic() + _RETRY_S

    def next_seq(self) -> int:
        """Number of the next frame; each captured frame takes one, published or not."""
        self.seq += 1
        return self.seq

    def publish(self, frame: FrameMessage) -> bool:
        """Returns whether the frame is in the queue. Raises `Stopped` while a lossless frame waits, `LeaseLostError`
        once another worker captures the camera."""
        if self._lossless:
            self._publish_lossless(frame)
            return True
        if time.monotonic() >= self._retry_at_s:
            try:
                self._add(frame, maxlen=self._max_frames)
                self._adapt_queue(pictures=1 if frame.preceding is None else 2)
                return True
            except LeaseLapsedError:
                pass  # The supervisor may get the lease back.
            except BusFullError:
                self._shrink_queue()
            except BusUnavailableError:
                self._retry_at_s = time.monotonic() + _RETRY_S
        self._skipped += 1
        return False

    def _publish_lossless(self, frame: FrameMessage) -> None:
        while True:
            try:
                self._wait_for_room(frame.seq)
                self._add(frame, maxlen=None)
                return
            except (BusUnavailableError, LeaseLapsedError):
                self._wait(_RETRY_S)

    def _adapt_queue(self, pictures: int) -> None:
        """Frame by frame towards as many as hold the same number of pictures, of which each may have two."""
        most = max(_MIN_QUEUE, self._queue_frames // pictures)
        self._max_frames = min(self._max_frames + 1, max(most, self._max_frames - 1))

    def _shrink_queue(self) -> None:
        """Redis is full: a shorter queue leaves room for others and the next frame. It grows again frame by frame."""
        self._max_frames = max(_MIN_QUEUE, self._max_frames // 2)
        with contextlib.suppress(BusUnavailableError), translated():
            self._client.xtrim(self._keys.frames, maxlen=self._max_frames, approximate=False)

    def _add(self, frame: FrameMessage, maxlen: int | None) -> None:
        continues = self._confirmed and self._head == frame.seq - 1
        self._confirmed = False
        with translated():
            if not (continues and self._append(frame, maxlen)):
                self._resume(frame, maxlen)
        self._head, self._skipped, self._confirmed = max(self._head, frame.seq), 0, True

    def _append(self, frame: FrameMessage, maxlen: int | None) -> bool:
        """Write the frame after the one that was written last. Returns False, and writes nothing, when the stream is
        gone or the lease is not held: `_resume` finds out what that means.

        Live frames stay out of Redis's append-only file; those of recordings, which must not be lost, are in it, and so
        is the first frame of a stream, which creates it.
        """
        if maxlen is None:
            return self._append_logged(frame)
        unit, fields = self._lease.unit, self._gaps.added_to(frame.encode())
        return self._clock.follow(
            lambda: add_entry(
                self._client, self._keys.frames, fields, entry_id=frame.entry_id, maxlen=maxlen,
                lease=unit.lease, value=self._lease.value,
            )
        )  # fmt: skip

    def _append_logged(self, frame: FrameMessage) -> bool:
        """Returns False and writes nothing when the stream is gone. A flush deletes the lease too, which is watched."""
        exists = False

        def stream_exists(pipe: Any) -> bool:
            nonlocal exists
            pipe.watch(self._lease.unit.lease)
            exists = bool(pipe.exists(self._keys.frames))
            return exists

        self._lease.write(self._client, lambda pipe: self._queue(pipe, frame, self._gaps, None), stream_exists)
        return exists

    def _resume(self, frame: FrameMessage, maxlen: int | None) -> None:
        """Add a frame when it is uncertain what Redis has. A frame that it already has, because only the answer to an
        earlier attempt was lost, is not added again."""
        gaps = self._gaps

        def is_missing(pipe: Any) -> bool:
            nonlocal gaps
            pipe.watch(self._keys.frames)
            head = self._head_in(pipe)
            if head is not None and head[0] >= frame.seq:
                gaps = head[1]
                return False
            gaps = self._gaps_before(frame.seq, head)
            return True

        self._lease.write(self._client, lambda pipe: self._queue(pipe, frame, gaps, maxlen), is_missing)
        self._gaps = gaps

    def _queue(self, pipe: Any, frame: FrameMessage, gaps: FrameGaps, maxlen: int | None) -> None:
        fields = gaps.added_to(frame.encode())
        pipe.xadd(self._keys.frames, fields, id=frame.entry_id, maxlen=maxlen, approximate=False)

    def _gaps_before(self, seq: int, head: tuple[int, FrameGaps] | None) -> FrameGaps:
        if head is None:  # A new camera, or Redis lost its data.
            return FrameGaps(self._skipped, seq - 1 - self._skipped, self._clock.now_ms())
        newest, gaps = head
        if newest >= self._head:
            return replace(gaps, unpublished=gaps.unpublished + seq - 1 - newest)
        gaps = self._gaps  # Redis came back with an older snapshot.
        return replace(gaps, unpublished=gaps.unpublished + seq - 1 - self._head, lost=gaps.lost + self._head - newest)

    def _head_in(self, client: Any) -> tuple[int, FrameGaps] | None:
        """The newest sequence number that the stream has had, with its gaps; None without a stream."""
        info = stream_info(client, self._keys.frames)
        if info is None:
            return None
        return stream_head(info, committed_position(*client.hmget(self._keys.state, "seq", "books")))

    def _wait_for_room(self, seq: int) -> None:
        checks = 1
        while not (self._has_room(seq) or (checks % _CHECKS_PER_READ == 0 and self._is_empty())):
            self._wait(_CHECK_ROOM_EVERY_S)
            checks += 1

    def _has_room(self, seq: int) -> bool:
        with translated():
            committed = self._client.hget(self._keys.state, "seq")
            if committed is not None:
                return seq - int(committed) <= self._queue_frames
            return int(self._client.xlen(self._keys.frames)) < self._queue_frames

    def _is_empty(self) -> bool:
        """Whether no frame waits, although numbers are missing: Redis may have come back with an older snapshot."""
        with translated():
            committed = int(self._client.hget(self._keys.state, "seq") or 0)
            return not self._client.xrange(self._keys.frames, min=f"({committed}-0", count=1)

    def _restore(self, after_seq: int) -> None:
        committed = int(self._client.hget(self._keys.state, "seq") or 0)
        head = self._head_in(self._client)
        newest, self._gaps = head or (0, FrameGaps())
        self.seq = max(after_seq, committed, newest)
        self._head = newest if head else self.seq
        self._skipped = self.seq - self._head
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
