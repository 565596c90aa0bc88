"""The clips of a folder, and their frames."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from labelled_clips import FPS, write_video

from patchwatch.contract.errors import RejectedError
from patchwatch.contract.settings import load_settings
from patchwatch.evaluation.clips import find_clips, gather_clips, read_frames
from workers.analysis.recordings import RecordingReader


def _pictures(folder: Path, count: int = 3) -> None:
    folder.mkdir(parents=True)
    for n in range(count):
        cv2.imwrite(str(folder / f"{n + 1:03}.tif"), np.zeros((48, 64), np.uint8))


def test_videos_and_folders_of_pictures_are_clips_and_masks_are_not(tmp_path: Path) -> None:
    for name in ("Test010", "Test002", "Test002_gt", ".hidden"):
        _pictures(tmp_path / name)
    (tmp_path / "empty").mkdir()
    (tmp_path / "Test003.avi").touch()
    (tmp_path / "UCSDped2.m").touch()
    result = find_clips(tmp_path)
    assert [clip.name for clip in result] == ["Test002", "Test003", "Test010"]
    assert [clip.is_folder for clip in result] == [True, False, True]


def test_a_missing_and_an_empty_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match="is not a folder"):
        find_clips(tmp_path / "nowhere")
    with pytest.raises(RejectedError, match="holds no video file"):
        find_clips(tmp_path)


def test_two_clips_of_one_name_are_refused(tmp_path: Path) -> None:
    for suffix in ("mp4", "avi"):
        (tmp_path / f"same.{suffix}").touch()
    with pytest.raises(RejectedError, match="two each of the clips same"):
        find_clips(tmp_path)


def test_clips_of_several_places_are_gathered(tmp_path: Path) -> None:
    _pictures(tmp_path / "stills" / "walk")
    for name in ("monday/1.mp4", "tuesday/1.mp4", "film.avi"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    places = [tmp_path / name for name in ("monday", "film.avi", "stills/walk")]
    assert [clip.name for clip in gather_clips(places)] == ["1", "film", "walk"]
    places.append(tmp_path / "tuesday")
    with pytest.raises(RejectedError, match="two each of the clips 1"):
        gather_clips(places)
    told_apart = gather_clips(places, with_folder=True)
    assert [clip.name for clip in told_apart] == ["film", "monday/1", "tuesday/1", "walk"]
    with pytest.raises(RejectedError, match="two each of the clips monday/1"):
        gather_clips([*places, places[0]], with_folder=True)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(RejectedError, match=r"notes\.txt is no video file"):
        gather_clips([tmp_path / "notes.txt"])


def test_every_frame_has_a_time_and_a_number(tmp_path: Path) -> None:
    write_video(tmp_path / "film.mp4", seconds=3)
    _pictures(tmp_path / "folder", 4)
    reader = RecordingReader.from_settings(load_settings())
    film, folder = (read_frames(clip, reader) for clip in find_clips(tmp_path))
    np.testing.assert_allclose(film.times_s, np.arange(30) / FPS, atol=1e-6)
    assert film.numbers == list(range(1, 31))
    assert film.duration_s == pytest.approx(3.0)
    np.testing.assert_allclose(folder.times_s, np.arange(4) / 25)
    assert folder.numbers == [1, 2, 3, 4]
