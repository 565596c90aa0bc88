"""A camera's own live frames as footage to learn from, recorded from the queue beside the inference worker.

They are recorded to a file first and analysed afterwards, because networks slower than the camera would miss most.
"""

from __future__ import annotations

import os
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from models.frames.frame import Frame
from models.frames.scene_cuts import SceneCuts
from models.frames.view import WHOLE_VIEW, View, ViewMask
from patchwatch.bus.connection import translated
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.errors import BusUnavailableError, InsufficientFootageError, RejectedError, StorageError
from patchwatch.messages.frames.camera_time import CameraTime
from patchwatch.messages.frames.frame import FrameMessage
from workers.analysis.recordings import Clip
from workers.media import jpeg_codec
from workers.media.privacy_mask import PrivacyMask

_BLOCK_MS = 500
_AT_ONCE = 32
_GAP_S = 10.0  # a longer time between two frames does not count as footage
# Recording may take this many times the footage asked for, plus ten minutes: a camera that is away longer is of no use.
_LONGEST = 4.0
_LONGEST_S = 600.0
_RETRY_S = 0.5
_FIELDS = (b"h", b"j", b"e")  # of a queued frame: header, picture, preceding picture; the last may be absent
_ENTRY = struct.Struct("<QIII")  # sequence number, length of each field

OnRecording = Callable[[float], None]


@contextmanager
def recording_file(folder: Path) -> Iterator[IO[bytes]]:
    """A file without a name, of which nothing is left however we end. Raises `StorageError`."""
    with _storage_errors():
        folder.mkdir(parents=True, exist_ok=True)
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed below)
    try:
        yield file
    finally:
        with suppress(OSError):  # closing flushes, which a full disk refuses; the recording is not needed any more
            file.close()


class LiveRecorder:
    """Records the next ``seconds`` of footage of one camera from its stream of frames.

    ``silence_s``: a camera without a single frame for so long is not live.
    """

    def __init__(self, client: Any, keys: CameraKeys, seconds: float, silence_s: float) -> None:
        self._client = client
        self._keys = keys
        self._seconds = seconds
        self._silence_s = silence_s
        self._after: bytes | str | None = None
        self._last_ns: int | None = None
        self._camera_time = CameraTime()
        self._length_s = 0.0

    def record(self, file: IO[bytes], recording: OnRecording) -> None:
        """Fill the file. ``recording(seconds so far)`` is called meanwhile, and may raise to give up.

        Survives a lost Redis for as long as a silent camera. Raises `InsufficientFootageError`, `StorageError`.
        """
        started_s = last_frame_s = time.monotonic()
        while self._length_s < self._seconds:
            recording(self._length_s)
            entries, now_s = self._next(), time.monotonic()
            if entries:
                last_frame_s = now_s
                self._keep(file, entries)
            elif now_s - last_frame_s > self._silence_s:
                raise self._silent_camera()
            if now_s - started_s > _LONGEST * self._seconds + _LONGEST_S:
                raise self._too_few_frames(now_s - started_s)
        with _storage_errors():
            file.flush()

    def _next(self) -> list[tuple[bytes, dict[bytes, bytes]]]:
        try:
            with translated():
                if self._after is None:
                    self._after = self._newest()
                answer = self._client.xread({self._keys.frames: self._after}, count=_AT_ONCE, block=_BLOCK_MS) or ()
                if not answer:
                    self._follow_restart()
        except BusUnavailableError:
            time.sleep(_RETRY_S)
            return []
        entries = [entry for _, rows in answer for entry in rows]
        if entries:
            self._after = entries[-1][0]
        return entries

    def _follow_restart(self) -> None:
        """Frames are numbered from the start again when Redis lost them, or when the camera was removed and added."""
        newest = self._newest()
        if newest != "0" and self._after is not None and _sequence_number(newest) < _sequence_number(self._after):
            self._after = "0"

    def _newest(self) -> bytes | str:
        newest = self._client.xrevrange(self._keys.frames, count=1)
        return newest[0][0] if newest else "0"

    def _keep(self, file: IO[bytes], entries: list[tuple[bytes, dict[bytes, bytes]]]) -> None:
        for message in _messages(entries):
            own_ns = self._camera_time.take(message, time.monotonic_ns())
            self._add_length(own_ns, message.discontinuity)
            with _storage_errors():
                _write(
                    file, replace(message, captured_at_ns=own_ns)
                )  # the time of capture would jump if a clock were set meanwhile

    def _add_length(self, own_ns: int, discontinuity: bool) -> None:
        """Count the time since the last frame, unless there was a gap in what was filmed."""
        passed_s = 0.0 if self._last_ns is None else (own_ns - self._last_ns) / 1e9
        if 0 < passed_s <= _GAP_S and not discontinuity:
            self._length_s += passed_s
        self._last_ns = own_ns

    def _silent_camera(self) -> InsufficientFootageError:
        camera_id = self._keys.camera_id
        return InsufficientFootageError(
            f"{camera_id} delivered no frame for {self._silence_s:.0f} s: see why with "
            f"GET /api/v1/cameras/{camera_id}/status, then enrol again"
        )

    def _too_few_frames(self, waited_s: float) -> InsufficientFootageError:
        return InsufficientFootageError(
            f"{self._keys.camera_id} delivered only {self._length_s:.0f} of {self._seconds:.0f} s in "
            f"{waited_s:.0f} s: repair its connection, or ask for fewer seconds, and enrol again"
        )


def live_clip(
    descriptor: int, camera_id: str, seconds: float | None, batch_frames: int, view: View | None = None
) -> Clip:
    """The frames recorded in an open file, as footage of a camera with this view."""
    view = view or WHOLE_VIEW
    return Clip(f"{camera_id} live", seconds, _batches(descriptor, batch_frames, view), live=True, view=view)


def _batches(descriptor: int, batch_frames: int, view: View) -> Iterator[list[Frame]]:
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        cuts, mask, privacy_mask = SceneCuts(), ViewMask(view), PrivacyMask(view.hidden)
        decoded = (_frame(message, privacy_mask) for message in _read(file))
        frames = (cuts.mark(frame, mask) for frame in decoded if frame is not None)
        while batch := list(islice(frames, batch_frames)):
            yield batch


def _messages(entries: list[tuple[bytes, dict[bytes, bytes]]]) -> Iterator[FrameMessage]:
    for entry_id, fields in entries:
        try:
            yield FrameMessage.decode(entry_id, fields)
        except RejectedError:
            continue  # the inference worker counts it


def _write(file: IO[bytes], message: FrameMessage) -> None:
    encoded = message.encode()
    fields = [encoded.get(name, b"") for name in _FIELDS]
    file.write(_ENTRY.pack(message.seq, *map(len, fields)) + b"".join(fields))


def _read(file: IO[bytes]) -> Iterator[FrameMessage]:
    while prefix := file.read(_ENTRY.size):
        seq, *lengths = _ENTRY.unpack(prefix)
        fields = {name: file.read(length) for name, length in zip(_FIELDS, lengths, strict=True) if length}
        yield FrameMessage.decode(b"%d-0" % seq, fields)


def _frame(message: FrameMessage, privacy_mask: PrivacyMask) -> Frame | None:
    """The capture has blacked out what is private, but for frames from before the zone was drawn."""
    try:
        rgb, preceding = _shown(message.jpeg, privacy_mask), None
        if message.preceding is not None:
            before_s = (message.captured_at_ns - message.preceding.ahead_ns) / 1e9
            preceding = Frame(_shown(message.preceding.jpeg, privacy_mask), before_s)
    except RejectedError:
        return None  # a corrupt picture, counted by the inference worker
    return Frame(rgb, message.captured_at_ns / 1e9, message.discontinuity, preceding=preceding)


def _shown(jpeg: bytes, privacy_mask: PrivacyMask) -> NDArray[np.uint8]:
    rgb = jpeg_codec.decode(jpeg)
    privacy_mask.hide(rgb)
    return rgb


def _sequence_number(entry_id: bytes | str) -> int:
    text = entry_id.decode() if isinstance(entry_id, bytes) else entry_id
    return int(text.partition("-")[0])


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"the live frames cannot be kept in PATCHWATCH_DATA_DIR ({error}): make room there, and enrol again"
        ) from None
