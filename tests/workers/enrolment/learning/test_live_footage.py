"""Footage of a live camera is what was filmed: gaps and steps of the clock are none, and no wait is without an end."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from moving_scene import HEIGHT, WIDTH, scene

from models.frames.view import View
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.errors import InsufficientFootageError, StorageError
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage, PrecedingPicture
from workers.enrolment.learning import live_footage as live_module
from workers.enrolment.learning.live_footage import LiveRecorder
from workers.media import jpeg_codec

JPEG = jpeg_codec.encode(scene(0), 85)


@pytest.fixture
def recorder(site: Any) -> Callable[..., LiveRecorder]:
    def make(seconds: float = 10.0, silence_s: float = 1.0) -> LiveRecorder:
        return LiveRecorder(site.client, CameraKeys.for_camera("cam", site.settings.partitions), seconds, silence_s)

    return make


def frame(site: Any, seq: int, at_s: float, flags: FrameFlag = FrameFlag.LIVE) -> None:
    message = FrameMessage(seq, int(at_s * 1e9), 0, WIDTH, HEIGHT, WIDTH, HEIGHT, flags, JPEG)
    of = CameraKeys.for_camera("cam", site.settings.partitions)
    site.client.xadd(of.frames, message.encode(), id=message.entry_id)


def recorded(site: Any, recorder: LiveRecorder, times: list[tuple[float, FrameFlag]]) -> list[float]:
    """Lengths progressed while these frames arrive one by one."""
    lengths: list[float] = []
    coming = iter(enumerate(times, 1))

    def progressed(length_s: float) -> None:
        lengths.append(length_s)
        if (following := next(coming, None)) is not None:
            seq, (at_s, flags) = following
            frame(site, seq, at_s, flags)

    recorder._after = "0"
    recorder.record(io.BytesIO(), progressed)
    return lengths


@pytest.mark.parametrize("step_s", [40_000_000.0, -45.0, -3600.0, 30.0])
def test_a_step_of_the_clock_is_no_footage(site: Any, recorder: Callable[..., LiveRecorder], step_s: float) -> None:
    start_s = 1_800_000_000.0
    times = [(start_s + n * 1.0, FrameFlag.LIVE) for n in range(6)]
    times += [(start_s + step_s + n * 1.0, FrameFlag.LIVE) for n in range(6, 13)]
    lengths = recorded(site, recorder(10.0, 5.0), times)
    assert max(lengths) == pytest.approx(9.0, abs=0.5)  # the step itself lasts as long as passes here meanwhile
    assert lengths == sorted(lengths)


def test_a_known_gap_is_no_footage(site: Any, recorder: Callable[..., LiveRecorder]) -> None:
    joined = FrameFlag.LIVE | FrameFlag.DISCONTINUITY
    times = [(100.0 + n * 2.0, joined if n % 2 else FrameFlag.LIVE) for n in range(12)]
    assert recorded(site, recorder(10.0, 5.0), times)[-1] == pytest.approx(8.0)


def test_a_camera_that_delivers_too_rarely_is_given_up(
    site: Any, recorder: Callable[..., LiveRecorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "_LONGEST", 0.0)
    monkeypatch.setattr(live_module, "_LONGEST_S", 0.1)
    with pytest.raises(InsufficientFootageError, match="cam delivered only 0 of 10 s in"):
        recorded(site, recorder(10.0, 30.0), [(100.0, FrameFlag.LIVE)])


def test_frames_that_count_from_the_start_again_are_followed(site: Any, recorder: Callable[..., LiveRecorder]) -> None:
    """Redis lost them, or the camera was added again."""
    following = recorder(3.0, 20.0)
    following._after = "5000-0"
    numbers = iter(range(1, 100))
    following.record(io.BytesIO(), lambda _: frame(site, n := next(numbers), 100.0 + n))


def test_a_full_disk_says_where_to_make_room(site: Any, recorder: Callable[..., LiveRecorder]) -> None:
    class Full(io.BytesIO):
        def write(self, _: Any) -> int:
            raise OSError(28, "No space left on device")

    following = recorder(10.0, 5.0)
    following._after = "0"
    frame(site, 1, 100.0)
    with pytest.raises(StorageError, match="PATCHWATCH_DATA_DIR"):
        following.record(Full(), lambda _: None)


def test_what_is_private_is_black_even_in_frames_from_before_the_zone(tmp_path: Path) -> None:
    left_half = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
    picture = jpeg_codec.encode(np.full((48, 64, 3), 220, np.uint8), 90)
    path = tmp_path / "recording"
    with path.open("wb") as file:
        for seq in range(1, 4):
            preceding = PrecedingPicture(200_000_000, picture) if seq == 3 else None
            message = FrameMessage(
                seq, seq * 10**9, 0, 64, 48, 64, 48, FrameFlag.LIVE, picture, preceding=preceding
            )  # fmt: skip
            live_module._write(file, message)
    clip = live_module.live_clip(os.open(path, os.O_RDONLY), "cam", 3.0, 8, View(hidden=(left_half,)))
    frames = [frame for batch in clip.batches for frame in batch]
    assert clip.view.hidden == (left_half,)
    assert len(frames) == 3
    [before] = [frame.preceding for frame in frames if frame.preceding]
    assert before.at_s == 2.8
    assert all(rgb[:, :32].max() == 0 and rgb[:, 40:].min() > 200 for rgb in (before.rgb, *(f.rgb for f in frames)))
