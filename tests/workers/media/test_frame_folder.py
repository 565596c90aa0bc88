"""Clips that are folders of pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled_clips import FPS, pictures, write_video

from patchwatch.contract.errors import RejectedError, SourceRejectedError
from workers.media.container import VideoOptions
from workers.media.frame_folder import FrameFolder, natural, pictures_in
from workers.media.video import Video


def _write(folder: Path, names: list[str], *, size: tuple[int, int] = (64, 48)) -> None:
    folder.mkdir(exist_ok=True)
    for n, name in enumerate(names):
        cv2.imwrite(str(folder / name), np.full((size[1], size[0], 3), n * 20, np.uint8))


def test_ten_stands_after_nine(tmp_path: Path) -> None:
    _write(tmp_path, ["f10.png", "f9.png", "f1.png", ".f2.png"])
    (tmp_path / "notes.txt").touch()
    assert [path.name for path in pictures_in(tmp_path)] == ["f1.png", "f9.png", "f10.png"]


@given(st.lists(st.text("a0b19_", max_size=6), max_size=8))
def test_natural_order_takes_any_names(names: list[str]) -> None:
    assert sorted(sorted(names, key=natural), key=natural) == sorted(names, key=natural)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "tiff", "bmp"])
def test_every_format_is_read_at_its_rate(tmp_path: Path, suffix: str) -> None:
    _write(tmp_path, [f"{n:03}.{suffix}" for n in range(10)])
    with FrameFolder(tmp_path, frame_rate=10.0) as folder:
        frames = list(folder.frames())
    assert [frame.media_time_s for frame in frames] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])
    assert [int(np.median(frame.rgb)) for frame in frames] == pytest.approx([0, 40, 80, 120, 160], abs=1)
    assert [frame.discontinuity for frame in frames] == [True, False, False, False, False]
    assert frames[0].rgb.shape == (48, 64, 3)


def test_grey_pictures_become_rgb_and_large_ones_small(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "1.tif"), np.full((300, 900), 77, np.uint8))
    (frame,) = FrameFolder(tmp_path, options=VideoOptions(max_side_px=300)).frames()
    assert frame.rgb.shape == (100, 300, 3)
    assert (frame.source_width, frame.source_height) == (900, 300)
    assert np.abs(frame.rgb.astype(int) - 77).max() <= 1


def test_a_folder_gives_the_pictures_that_the_same_video_gives(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mkv", seconds=2, codec="ffv1")
    (tmp_path / "clip").mkdir()
    for n, rgb in enumerate(pictures(seconds=2)):
        cv2.imwrite(str(tmp_path / "clip" / f"{n}.png"), rgb[..., ::-1])
    options = VideoOptions(max_side_px=100)
    with Video.open(tmp_path / "clip.mkv", options=options) as video:
        expected = list(video.frames())
    frames = list(FrameFolder(tmp_path / "clip", frame_rate=FPS, options=options).frames())
    assert len(frames) == len(expected) == 10
    for frame, other in zip(frames, expected, strict=True):
        assert frame.media_time_s == pytest.approx(other.media_time_s, abs=1e-6)
        assert np.abs(frame.rgb.astype(int) - other.rgb.astype(int)).max() <= 1


def test_a_change_of_size_is_a_discontinuity(tmp_path: Path) -> None:
    _write(tmp_path, ["1.png"])
    _write(tmp_path, ["2.png"], size=(80, 48))
    discontinuities = [frame.discontinuity for frame in FrameFolder(tmp_path, frame_rate=5.0).frames()]
    assert discontinuities == [True, True]


def test_numbers_are_the_last_in_the_names(tmp_path: Path) -> None:
    _write(tmp_path / "a", ["cam2_frame_00939.jpg", "cam2_frame_00940.jpg"])
    assert FrameFolder(tmp_path / "a").numbers == [939, 940]
    _write(tmp_path / "b", ["1.jpg", "01.png"])
    with pytest.raises(RejectedError, match="two pictures with the same frame number"):
        _ = FrameFolder(tmp_path / "b").numbers
    _write(tmp_path / "c", ["x.jpg"])
    with pytest.raises(RejectedError, match="no frame number"):
        _ = FrameFolder(tmp_path / "c").numbers


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceRejectedError, match="holds no picture"):
        FrameFolder(tmp_path)
    (tmp_path / "1.png").write_bytes(b"nonsense")
    with pytest.raises(SourceRejectedError, match=r"1\.png"):
        list(FrameFolder(tmp_path).frames())
    with pytest.raises(RejectedError, match="--frame-rate"):
        FrameFolder(tmp_path, frame_rate=0.0)
