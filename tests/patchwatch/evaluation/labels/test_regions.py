"""Labels that say where the anomaly is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import savemat

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.clips import ClipFile, ClipFrames
from patchwatch.evaluation.labels import avenue, json_file
from patchwatch.evaluation.labels.labels import Labels
from patchwatch.evaluation.labels.regions import clip_regions, follow
from patchwatch.evaluation.statistics.region_criterion import Region

LEFT, RIGHT = (0.0, 0.0, 0.5, 0.5), (0.5, 0.5, 1.0, 1.0)


def frames_of(path: Path, count: int) -> ClipFrames:
    return ClipFrames(ClipFile(path.stem, path), np.arange(count) / 10)


def truth(*anomalous: int) -> NDArray[np.bool_]:
    return np.array(anomalous, np.bool_)


def read(tmp_path: Path, testing: Any) -> Labels:
    path = tmp_path / "labels.json"
    path.write_text(json.dumps({"testing": testing}))
    return json_file.read(path, list(testing))


def test_each_range_of_our_json_with_a_box_is_a_track(tmp_path: Path) -> None:
    entries = [{"frames": [2, 3], "box": LEFT}, {"frames": [3, 5], "boxes": [RIGHT, None, LEFT]}]
    labels = read(tmp_path, {"a": entries, "b": []})
    regions = clip_regions(labels, frames_of(tmp_path / "a.mkv", 5), truth(0, 1, 1, 1, 1))
    assert regions == (
        Region(2, LEFT, 1), Region(3, LEFT, 1), Region(3, RIGHT, 2), Region(5, LEFT, 2),
    )  # fmt: skip
    assert labels.truth("a", 5).tolist() == [False, True, True, True, True]
    assert clip_regions(labels, frames_of(tmp_path / "b.mkv", 5), truth(0, 0, 0, 0, 0)) == ()


def test_a_clip_in_which_one_range_says_nothing_of_places_has_none(tmp_path: Path) -> None:
    labels = read(tmp_path, {"a": [{"frames": [1, 2], "box": LEFT}, [4, 5]], "b": [{"frames": [1, 1]}]})
    assert labels.regions == {}
    assert clip_regions(labels, frames_of(tmp_path / "a.mkv", 5), truth(1, 1, 0, 1, 1)) is None


@pytest.mark.parametrize(
    "entry",
    [
        {"box": LEFT},
        {"frames": [1, 2], "bbox": LEFT},
        {"frames": [1, 2], "box": LEFT, "boxes": [LEFT, LEFT]},
        {"frames": [1, 2], "box": [0, 0, 120, 80]},
        {"frames": [1, 2], "box": [0.5, 0, 0.2, 1]},
        {"frames": [1, 2], "box": [0, 0, 1]},
        {"frames": [1, 2], "boxes": [LEFT]},
        {"frames": [1, 2], "boxes": [None, None]},
        {"frames": [2, 1], "box": LEFT},
    ],
)
def test_a_box_that_is_none_is_refused_with_the_form(tmp_path: Path, entry: dict[str, Any]) -> None:
    with pytest.raises(RejectedError, match='"box": \\[x1, y1, x2, y2\\]'):
        read(tmp_path, {"a": [entry]})


def masks(count: int) -> NDArray[np.uint8]:
    """uint8 (count, 20, 40): a square that moves right from the second picture on, and in the last one another."""
    pictures = np.zeros((count, 20, 40), np.uint8)
    for n in range(1, count):
        pictures[n, 0:10, 2 * n : 2 * n + 10] = 255
    pictures[-1, 15:20, 30:40] = 255
    return pictures


EXPECTED = (
    Region(2, (0.05, 0.0, 0.3, 0.5), 1),
    Region(3, (0.1, 0.0, 0.35, 0.5), 1),
    Region(3, (0.75, 0.75, 1.0, 1.0), 2),
)


def write_masks(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for n, mask in enumerate(masks(count)):
        cv2.imwrite(str(folder / f"{n + 1:03}.bmp"), mask)


def test_masks_in_a_folder_beside_the_clip_become_regions_and_tracks(tmp_path: Path) -> None:
    labels = read(tmp_path, {"Test001": [[2, 3]]})
    write_masks(tmp_path / "Test001_gt", 3)
    assert clip_regions(labels, frames_of(tmp_path / "Test001", 3), truth(0, 1, 1)) == EXPECTED
    with pytest.raises(RejectedError, match="3 masks for a clip of 4 frames"):
        clip_regions(labels, frames_of(tmp_path / "Test001", 4), truth(0, 1, 1, 1))


def test_masks_of_avenue_become_regions(tmp_path: Path) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    cells = np.empty((1, 3), object)
    cells[0, :] = list(masks(3))
    savemat(folder / "1_label.mat", {"volLabel": cells})
    labels = avenue.read(folder, ["01"])
    assert clip_regions(labels, frames_of(tmp_path / "01.avi", 3), labels.truth("01", 3)) == EXPECTED


def test_a_track_goes_on_where_the_overlap_is_greatest_and_ends_where_there_is_none() -> None:
    one, near, far = (0.0, 0.0, 0.4, 0.4), (0.05, 0.0, 0.45, 0.4), (0.3, 0.0, 0.7, 0.4)
    tracks = [(region.frame, region.box, region.track) for region in follow([[one], [far, near], [], [near]])]
    assert tracks == [(1, one, 1), (2, far, 2), (2, near, 1), (4, near, 3)]
