"""Anomalous frame ranges, read from a labels file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from patchwatch.errors import RejectedError
from workers.evaluation.labels import load_labels


def _file(folder: Path, tree: object) -> Path:
    path = folder / "labels.json"
    path.write_text(tree if isinstance(tree, str) else json.dumps(tree))
    return path


def test_ranges_count_from_one_and_include_both_ends(tmp_path: Path) -> None:
    labels = load_labels(_file(tmp_path, {"about": "x", "testing": {"01": [[2, 3], [5, 5]]}}))
    assert labels.truth("01", 6).tolist() == [False, True, True, False, True, False]


def test_a_clip_without_ranges_is_normal_and_a_whole_clip_may_be_anomalous(tmp_path: Path) -> None:
    labels = load_labels(_file(tmp_path, {"testing": {"calm": [], "wild": [[1, 4]]}}))
    assert not labels.truth("calm", 4).any()
    assert labels.truth("wild", 4).all()


def test_a_range_beyond_the_clip_is_refused(tmp_path: Path) -> None:
    labels = load_labels(_file(tmp_path, {"testing": {"01": [[2, 7]]}}))
    with pytest.raises(RejectedError, match=r"'01' is labelled up to frame 7 but has 6 frames"):
        labels.truth("01", 6)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match=r"nowhere\.json: No such file.*--labels"):
        load_labels(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    "tree",
    [
        "not json",
        "[]",
        {},
        {"testing": []},
        {"testing": {"01": 5}},
        {"testing": {"01": [[1]]}},
        {"testing": {"01": [[0, 5]]}},
        {"testing": {"01": [[5, 4]]}},
        {"testing": {"01": [["1", "5"]]}},
        {"testing": {"01": [[1.0, 5.0]]}},
        {"testing": {"01": [[True, 5]]}},
    ],
)
def test_a_malformed_file_is_refused_by_name(tmp_path: Path, tree: object) -> None:
    with pytest.raises(RejectedError, match=r"labels\.json"):
        load_labels(_file(tmp_path, tree))
