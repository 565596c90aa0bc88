"""A camera's own live frames as footage to learn from, read from the queue beside the inference worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from models.frame import Frame
from patchwatch.errors import InsufficientFootageError, RejectedError
from patchwatch.keys import CameraKeys
from patchwatch.messages.frame import FrameMessage
from workers.ingest import picture
from workers.offline import Clip

_SILENCE_S = 60.0  # without a single frame: the camera is not live
_BLOCK_MS = 500
_AT_ONCE = 32


def live_clip(client: Any, keys: CameraKeys, seconds: float, waiting: Callable[[], None]) -> Clip:
    """The next ``seconds`` of a camera, as they come. ``waiting`` is called now and then, and may raise to give up.

    Frames that are scored and gone before they were read here are missing; learning takes that as a short gap.
    Raises `InsufficientFootageError` while reading when the camera delivers nothing for a minute.
    """
    return Clip(f"{keys.camera_id} live", seconds, _batches(client, keys, seconds, waiting))


def _batches(client: Any, keys: CameraKeys, seconds: float, waiting: Callable[[], None]) -> Iterator[list[Frame]]:
    newest = client.xrevrange(keys.frames, count=1)
    after: Any = newest[0][0] if newest else "0"
    first_s: float | None = None
    heard_s = time.monotonic()
    while True:
        waiting()
        answer = client.xread({keys.frames: after}, count=_AT_ONCE, block=_BLOCK_MS) or ()
        entries = [entry for _, found in answer for entry in found]
        frames = [frame for frame in map(_frame, entries) if frame is not None]
        if entries:
            after, heard_s = entries[-1][0], time.monotonic()
        elif time.monotonic() - heard_s > _SILENCE_S:
            raise InsufficientFootageError(
                f"{keys.camera_id} delivered no frame for {_SILENCE_S:.0f} s: "
                f"see why with GET /api/v1/cameras/{keys.camera_id}/status, then enrol again"
            )
        if frames:
            first_s = frames[0].at_s if first_s is None else first_s
            yield frames
            if frames[-1].at_s - first_s >= seconds:
                return


def _frame(entry: tuple[bytes, dict[bytes, bytes]]) -> Frame | None:
    """None for an unreadable entry: the inference worker counts it."""
    try:
        message = FrameMessage.decode(*entry)
        return Frame(picture.decode(message.jpeg), message.captured_at_ns / 1e9, message.discontinuity)
    except RejectedError:
        return None
