"""Scores as the CSV of a competition."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.clips import ClipFile, ClipFrames
from patchwatch.evaluation.predictions import ScoredBy, frame_ids, write_predictions
from patchwatch.evaluation.protocols import FrameScores


def _clip(folder: Path, names: list[str]) -> ClipFrames:
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    return ClipFrames(ClipFile(folder.name, folder), np.arange(len(names)) / 25)


def test_ids_hold_the_numbers_of_clip_and_frame(tmp_path: Path) -> None:
    assert list(frame_ids(_clip(tmp_path / "01", ["frame_00939.jpg", "frame_01000.jpg"]))) == ["1_939", "1_1000"]
    assert list(frame_ids(_clip(tmp_path / "walk", ["1.jpg"]))) == ["walk_1"]
    assert list(frame_ids(ClipFrames(ClipFile("07", tmp_path / "07.avi"), np.arange(3) / 25))) == ["7_1", "7_2", "7_3"]


def test_every_frame_has_a_line_with_the_wanted_scores(tmp_path: Path) -> None:
    clip = _clip(tmp_path / "2", ["1.jpg", "2.jpg"])
    scores = FrameScores(np.array([0.25, 0.5]), np.array([0.1, 0.9]), np.array([0.0, 1.0]))
    out = StringIO()
    write_predictions([clip], [scores], out)
    assert out.getvalue() == "Id,Predicted\n2_1,0.25\n2_2,0.5\n"
    out = StringIO()
    write_predictions([clip], [scores], out, ScoredBy.PAPER)
    assert out.getvalue() == "Id,Predicted\n2_1,0.0\n2_2,1.0\n"


def test_pictures_without_numbers_are_refused(tmp_path: Path) -> None:
    clip = _clip(tmp_path / "1", ["one.jpg"])
    with pytest.raises(RejectedError, match="no frame number"):
        list(frame_ids(clip))
