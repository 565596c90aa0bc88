"""Frames into a camera's queue."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, cast

import redis

from patchwatch.bus import translated
from patchwatch.errors import BusUnavailableError, InvalidMessageError
from patchwatch.keys import CameraKeys
from patchwatch.messages.frame import FrameMessage

_PAUSE_S = 0.02  # between looks at a full queue
_RETRY_S = 0.5  # between attempts at a Redis that does not answer
log = logging.getLogger("patchwatch.ingest")


class Stopped(Exception):
    """The capture was told to stop while it waited for Redis or for room."""


class Publisher:
    """Writes a camera's frames to its stream; the only writer. Blocking, one thread.

    ``pause`` waits the given seconds and returns False when told to stop. Live frames push out the oldest when
    the queue is full (the reader sees the gap in ``seq`` and counts it), and are given up and counted in
    ``unpublished`` while Redis is away. Lossless frames wait in both cases.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: CameraKeys,
        *,
        queue_frames: int,
        lossless: bool,
        pause: Callable[[float], bool],
    ) -> None:
        self._client = client
        self._keys = keys
        self._queue_frames = queue_frames
        self._lossless = lossless
        self._pause = pause
        self._away_until_s = 0.0  # monotonic: a dead server is not asked again for every frame
        self.seq = 0  # last one used
        self.last_captured_ns: int | None = None  # of the newest frame that was in the queue at `start`
        self.unpublished = 0

    def start(self, after_seq: int = 0) -> None:
        """Find where the sequence stopped. Waits for Redis; raises `Stopped`."""
        while True:
            try:
                with translated():
                    self.seq = max(after_seq, self._last_seq())
                    self.last_captured_ns = self._newest_captured_ns()
                return
            except BusUnavailableError as error:
                log.debug("%s", error)
                self._wait(_RETRY_S)

    def next_seq(self) -> int:
        """Number of the next frame; each captured frame takes one, published or not."""
        self.seq += 1
        return self.seq

    def publish(self, frame: FrameMessage) -> bool:
        """Returns whether the frame is in the queue. Raises `Stopped` while a lossless frame waits."""
        if self._lossless:
            self._publish_surely(frame)
            return True
        if time.monotonic() >= self._away_until_s:
            try:
                self._add(frame, maxlen=self._queue_frames)
                return True
            except BusUnavailableError:
                self._away_until_s = time.monotonic() + _RETRY_S
        self.unpublished += 1
        return False

    def _publish_surely(self, frame: FrameMessage) -> None:
        while True:
            try:
                while not self._has_room(frame.seq):
                    self._wait(_PAUSE_S)
                self._add(frame, maxlen=None)
                return
            except BusUnavailableError:
                self._wait(_RETRY_S)

    def _add(self, frame: FrameMessage, maxlen: int | None) -> None:
        try:
            with translated():
                fields: dict[Any, Any] = dict(frame.encode())
                self._client.xadd(self._keys.frames, fields, id=frame.entry_id, maxlen=maxlen, approximate=False)
        except redis.ResponseError as error:
            if "equal or smaller" not in str(error):
                raise
            # An earlier attempt did arrive, although its answer did not: the frame is there, once.

    def _has_room(self, seq: int) -> bool:
        with translated():
            committed = self._client.hget(self._keys.state, "seq")
            if committed is not None:
                return seq - int(committed) <= self._queue_frames
            return int(self._client.xlen(self._keys.frames)) < self._queue_frames

    def _last_seq(self) -> int:
        committed = int(self._client.hget(self._keys.state, "seq") or 0)
        try:
            last_id: bytes = self._client.xinfo_stream(self._keys.frames)["last-generated-id"]
        except redis.ResponseError:  # no such stream yet
            return committed
        return max(committed, int(last_id.split(b"-")[0]))

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
