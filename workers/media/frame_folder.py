"""A clip stored as a folder of pictures, one file per frame, as benchmarks distribute them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from patchwatch.contract.errors import RejectedError, SourceRejectedError
from patchwatch.messages.cameras.capture_status import Reason
from workers.media.container import VideoOptions
from workers.media.video import SampledFrame, Sampler, Video, Wanted

SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff"}
FRAME_RATE = 25.0  # The default: the rate of CUHK Avenue and of most cameras.


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts ``frame_2`` before ``frame_10``."""
    parts = re.findall(r"\d+|\D+", name)
    return tuple((0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts)


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder in natural order, without hidden files."""
    pictures = (path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))
    return sorted((path for path in pictures if path.is_file()), key=lambda path: natural(path.name))


class FrameFolder:
    """Replaces `workers.media.video.Video`: the same sampling, scaling and picture checks, at a constant rate.

    Frame ``n``, from 0, is shown at ``n / frame_rate`` seconds.
    """

    def __init__(self, folder: Path, *, frame_rate: float = FRAME_RATE, options: VideoOptions | None = None) -> None:
        """Raises `RejectedError` for a rate that is not positive and `SourceRejectedError` for no pictures."""
        if not 0 < frame_rate < float("inf"):
            raise RejectedError(f"--frame-rate {frame_rate} must be positive")
        self._options = options or VideoOptions()
        self._frame_rate = frame_rate
        self._pictures = pictures_in(folder)
        if not self._pictures:
            suffixes = " ".join(sorted(SUFFIXES))
            raise SourceRejectedError(f"{folder} holds no picture (looked for {suffixes})", Reason.NO_VIDEO)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Nothing stays open between pictures."""

    @property
    def duration_s(self) -> float | None:
        return len(self._pictures) / self._frame_rate

    @property
    def numbers(self) -> list[int]:
        """The number in each picture's name, the last if there are several. Raises `RejectedError` when one has none or
        two have the same."""
        numbers = []
        for path in self._pictures:
            digits = re.findall(r"\d+", path.stem)
            if not digits:
                raise RejectedError(f"{path}: its name holds no frame number")
            numbers.append(int(digits[-1]))
        if len(set(numbers)) < len(numbers):
            raise RejectedError(f"{self._pictures[0].parent} holds two pictures with the same frame number")
        return numbers

    @cached_property
    def times_s(self) -> NDArray[np.float64]:
        """Media time of every frame."""
        return np.arange(len(self._pictures)) / self._frame_rate

    def frames(self, on_packet: Callable[[], None] = lambda: None) -> Iterator[SampledFrame]:
        """Sampled pictures in order. Raises `SourceRejectedError` naming a picture that cannot be read."""
        sampler = Sampler(self._options.analysis_fps)
        before: tuple[int, int] | None = None
        for path, at_s in zip(self._pictures, self.times_s.tolist(), strict=True):
            on_packet()
            if sampler.wants(at_s) is Wanted.NOT:
                continue
            frame = self._read(path)
            size = (frame.source_width, frame.source_height)
            yield replace(frame, media_time_s=at_s, discontinuity=size != before, predicted=False)
            before = size

    def _read(self, path: Path) -> SampledFrame:
        with Video.open(path, options=replace(self._options, still=True)) as video:
            frame = next(video.frames(), None)
            if frame is None or video.decode_errors:
                raise SourceRejectedError(f"{path} cannot be decoded: copy it again", Reason.CORRUPT)
            return frame
