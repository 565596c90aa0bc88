"""Pictures to publish, of a video file."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from scene_footage import write_footage

from patchwatch.contract.errors import SourceRejectedError
from patchwatch.demo.pictures import file_pictures
from patchwatch.demo.scene.scene import Scene


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of the scene."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_footage(Scene(3), 2.0, path)
    return path


def test_the_times_of_a_looped_file_go_on_rising(clip: Path) -> None:
    pictures = list(islice(file_pictures(clip), 120))
    times = [timed.at_s for timed in pictures]
    assert np.diff(times) == pytest.approx(0.04, abs=1e-6)
    assert [index for index, timed in enumerate(pictures) if timed.cut] == [50, 100]


def test_a_missing_file_is_rejected_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(SourceRejectedError, match=r"absent\.mp4.*No such file"):
        next(file_pictures(tmp_path / "absent.mp4"))


def test_a_text_file_named_mp4_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("not a video")
    with pytest.raises(SourceRejectedError, match=r"notes\.mp4"):
        next(file_pictures(path))
