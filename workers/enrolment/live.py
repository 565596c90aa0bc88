"""A camera's own live frames as footage to learn from, recorded from the queue beside the inference worker."""

from __future__ import annotations

import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import IO, Any

from models.cuts import Cuts
from models.frame import Frame
from patchwatch.errors import InsufficientFootageError, RejectedError, StorageError
from patchwatch.keys import CameraKeys
from patchwatch.messages.frame import FrameMessage
from workers.ingest import picture
from workers.offline import Clip

_SILENCE_S = 60.0  # without a single frame: the camera is not live
_BLOCK_MS = 500
_AT_ONCE = 32
_ENTRY = struct.Struct("<QII")  # sequence number, length of the header, length of the picture

Recording = Callable[[float], None]


def live_clip(client: Any, keys: CameraKeys, seconds: float, batch_frames: int, recording: Recording) -> Clip:
    """The next ``seconds`` of a camera.

    They are recorded to a temporary file first and looked at afterwards: networks slower than the camera would
    otherwise miss most frames. ``recording(seconds so far)`` is called meanwhile, and may raise to give up.
    Raises `InsufficientFootageError` while reading when the camera delivers nothing for a minute, `StorageError`.
    """
    return Clip(f"{keys.camera_id} live", seconds, _batches(client, keys, seconds, batch_frames, recording), live=True)


def _batches(
    client: Any, keys: CameraKeys, seconds: float, batch_frames: int, recording: Recording
) -> Iterator[list[Frame]]:
    try:
        with tempfile.TemporaryFile(prefix="patchwatch-live-") as file:
            for message in _live(client, keys, seconds, recording):
                _write(file, message)
            file.seek(0)
            cuts = Cuts()
            frames = (cuts.mark(frame) for frame in map(_frame, _read(file)) if frame is not None)
            while batch := list(islice(frames, batch_frames)):
                yield batch
    except OSError as error:
        raise StorageError(
            f"the live frames cannot be kept in {tempfile.gettempdir()} ({error}): make room there, or name another "
            "folder in TMPDIR, and enrol again"
        ) from None


def _live(client: Any, keys: CameraKeys, seconds: float, recording: Recording) -> Iterator[FrameMessage]:
    newest = client.xrevrange(keys.frames, count=1)
    after: Any = newest[0][0] if newest else "0"
    first_ns: int | None = None
    length_s, heard_s = 0.0, time.monotonic()
    while length_s < seconds:
        recording(length_s)
        answer = client.xread({keys.frames: after}, count=_AT_ONCE, block=_BLOCK_MS) or ()
        entries = [entry for _, found in answer for entry in found]
        if entries:
            after, heard_s = entries[-1][0], time.monotonic()
        elif time.monotonic() - heard_s > _SILENCE_S:
            raise InsufficientFootageError(
                f"{keys.camera_id} delivered no frame for {_SILENCE_S:.0f} s: "
                f"see why with GET /api/v1/cameras/{keys.camera_id}/status, then enrol again"
            )
        for message in _messages(entries):
            first_ns = message.captured_at_ns if first_ns is None else first_ns
            length_s = (message.captured_at_ns - first_ns) / 1e9
            yield message


def _messages(entries: list[tuple[bytes, dict[bytes, bytes]]]) -> Iterator[FrameMessage]:
    for entry_id, fields in entries:
        try:
            yield FrameMessage.decode(entry_id, fields)
        except RejectedError:
            continue  # the inference worker counts it


def _write(file: IO[bytes], message: FrameMessage) -> None:
    fields = message.encode()
    file.write(_ENTRY.pack(message.seq, len(fields[b"h"]), len(fields[b"j"])) + fields[b"h"] + fields[b"j"])


def _read(file: IO[bytes]) -> Iterator[FrameMessage]:
    while prefix := file.read(_ENTRY.size):
        seq, header, jpeg = _ENTRY.unpack(prefix)
        yield FrameMessage.decode(b"%d-0" % seq, {b"h": file.read(header), b"j": file.read(jpeg)})


def _frame(message: FrameMessage) -> Frame | None:
    try:
        return Frame(picture.decode(message.jpeg), message.captured_at_ns / 1e9, message.discontinuity)
    except RejectedError:
        return None  # a corrupt picture, counted by the inference worker
