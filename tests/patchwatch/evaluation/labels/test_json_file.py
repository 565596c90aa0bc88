"""Labels as our own JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.labels.json_file import read


def _file(folder: Path, tree: object) -> Path:
    path = folder / "labels.json"
    path.write_text(tree if isinstance(tree, str) else json.dumps(tree))
    return path


def test_ranges_are_read_whatever_stands_beside_them(tmp_path: Path) -> None:
    labels = read(_file(tmp_path, {"about": "x", "testing": {"01": [[2, 3], [5, 5]], "calm": []}}), [])
    assert labels.truth("01", 6).tolist() == [False, True, True, False, True, False]
    assert labels.clips["calm"] == ()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match=r"nowhere\.json: No such file.*--labels"):
        read(tmp_path / "nowhere.json", [])


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
        read(_file(tmp_path, tree), [])
