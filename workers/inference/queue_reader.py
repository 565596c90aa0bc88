"""Takes frames of many cameras from the queue: fill a batch, or stop at the deadline."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import redis

from patchwatch.bus import BLOCK_MS, translated
from patchwatch.errors import InvalidMessageError
from patchwatch.messages.frame import FrameMessage
from workers.inference.session import Session

log = logging.getLogger(__name__)


class Taken(NamedTuple):
    """An entry of a camera's frame stream; ``message`` is None when it is not a frame of a known version."""

    session: Session
    seq: int
    message: FrameMessage | None


class QueueReader:
    """Reads after each session's position, a fair share of the batch per camera. Raises `BusUnavailableError`."""

    def __init__(self, client: redis.Redis, batch_frames: int, batch_wait_s: float) -> None:
        self._client = client
        self._batch_frames = batch_frames
        self._batch_wait_s = batch_wait_s

    def read(self, sessions: Mapping[str, Session], *, fill: bool) -> list[Taken]:
        """Frames in order for each camera; empty when none came for a second. Sessions by the key of their frames.

        ``fill``: wait for more, up to the batch's size or the deadline; worth it where networks run in batches.
        """
        positions = {key: session.position for key, session in sessions.items()}
        taken = self._read_once(sessions, positions, BLOCK_MS)
        deadline_s = time.monotonic() + self._batch_wait_s
        while fill and taken and len(taken) < self._batch_frames:
            left_ms = int((deadline_s - time.monotonic()) * 1000)
            if left_ms <= 0:
                break
            taken += self._read_once(sessions, positions, left_ms)
        return taken

    def _read_once(self, sessions: Mapping[str, Session], positions: dict[str, int], block_ms: int) -> list[Taken]:
        share = max(1, self._batch_frames // max(1, len(positions)))
        after: dict[Any, Any] = {key: f"{seq}-0" for key, seq in positions.items()}
        with translated():
            answer: Any = self._client.xread(after, count=share, block=block_ms)
        taken = []
        for key, entries in answer or ():
            name = key.decode()
            for entry_id, fields in entries:
                positions[name] = int(entry_id.split(b"-")[0])
                taken.append(Taken(sessions[name], positions[name], _decoded(sessions[name], entry_id, fields)))
        return taken


def _decoded(session: Session, entry_id: bytes, fields: dict[bytes, bytes]) -> FrameMessage | None:
    try:
        return FrameMessage.decode(entry_id, fields)
    except InvalidMessageError as error:
        log.warning("%s: %s", session.camera.id, error)
        return None
