"""The format of labels is recognised by their files, or stated."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.labels.label_format import LabelFormat, detect, read_labels


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("labels.json", LabelFormat.JSON),
        ("UCSDped1.m", LabelFormat.UCSD),
        ("1_label.mat", LabelFormat.AVENUE),
        ("01_0014.npy", LabelFormat.SHANGHAITECH),
    ],
)
def test_the_ending_tells(tmp_path: Path, name: str, form: LabelFormat) -> None:
    (tmp_path / name).touch()
    assert detect(tmp_path / name) is form
    if form in (LabelFormat.AVENUE, LabelFormat.SHANGHAITECH):
        assert detect(tmp_path) is form


def test_what_tells_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match=r"neither \.mat nor \.npy"):
        detect(tmp_path)
    with pytest.raises(RejectedError, match="--labels"):
        detect(tmp_path / "nowhere.json")
    (tmp_path / "labels.txt").touch()
    with pytest.raises(RejectedError, match="--label-format"):
        detect(tmp_path / "labels.txt")
    for name in ("a.mat", "a.npy"):
        (tmp_path / name).touch()
    with pytest.raises(RejectedError, match="several formats"):
        detect(tmp_path)


def test_every_format_is_read(tmp_path: Path) -> None:
    flags = [False, True, True]
    (tmp_path / "a.json").write_text(json.dumps({"testing": {"1": [[2, 3]]}}))
    (tmp_path / "a.m").write_text("TestVideoFile{end+1}.gt_frame = [2:3];")
    savemat(tmp_path / "1_label.mat", {"volLabel": np.ones((2, 2, 3)) * flags})
    np.save(tmp_path / "1.npy", np.array(flags, int))
    for name in ("a.json", "a.m", "1_label.mat", "1.npy"):
        assert read_labels(tmp_path / name, ["1"]).truth("1", 3).tolist() == flags


def test_a_format_that_is_said_is_taken(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text(json.dumps({"testing": {"1": [[2, 3]]}}))
    assert read_labels(tmp_path / "labels.txt", ["1"], LabelFormat.JSON).format == "json"
    with pytest.raises(RejectedError, match="gt_frame"):
        read_labels(tmp_path / "labels.txt", ["1"], LabelFormat.UCSD)
