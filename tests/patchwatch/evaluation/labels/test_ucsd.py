"""Labels as the MATLAB script of UCSD Ped1 and Ped2."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.labels.labels import FrameRange
from patchwatch.evaluation.labels.ucsd import read

SCRIPT = """TestVideoFile = {};
% TestVideoFile{end+1}.gt_frame = [1:2];
TestVideoFile{end+1}.gt_frame = [60:152];
TestVideoFile{end+1}.gt_frame = [50:175, 180:180 200];
TestVideoFile{end+1}.gt_frame = [];
"""
CLIPS = ["Test001", "Test002", "Test003"]


def _file(folder: Path, text: str) -> Path:
    path = folder / "UCSDped2.m"
    path.write_text(text)
    return path


def test_lines_stand_for_the_clips_in_order(tmp_path: Path) -> None:
    labels = read(_file(tmp_path, SCRIPT), CLIPS)
    assert labels.clips == {
        "Test001": (FrameRange(60, 152),),
        "Test002": (FrameRange(50, 175), FrameRange(180, 180), FrameRange(200, 200)),
        "Test003": (),
    }
    assert labels.format == "ucsd"


def test_another_number_of_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match="labels 3 clips, the testing folder holds 2"):
        read(_file(tmp_path, SCRIPT), CLIPS[:2])


@pytest.mark.parametrize("range_", ["60-152", "152:60", "0:5", "a:b", "1:2:3"])
def test_what_is_no_range_is_named(tmp_path: Path, range_: str) -> None:
    with pytest.raises(RejectedError, match="is no range of frames"):
        read(_file(tmp_path, f"TestVideoFile{{end+1}}.gt_frame = [{range_}];"), CLIPS[:1])


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match="holds no line like"):
        read(_file(tmp_path, "x = 5;"), CLIPS)
    with pytest.raises(RejectedError, match="No such file"):
        read(tmp_path / "nowhere.m", CLIPS)
