"""Labels as the MATLAB masks of CUHK Avenue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.labels.avenue import read


def _write(path: Path, flags: list[bool]) -> None:
    cells = np.empty((1, len(flags)), object)
    for n, anomalous in enumerate(flags):
        mask = np.zeros((6, 8), np.uint8)
        mask[2:4, 3:5] = anomalous
        cells[0, n] = mask
    savemat(path, {"volLabel": cells})


def test_a_frame_with_any_pixel_set_is_anomalous(tmp_path: Path) -> None:
    _write(tmp_path / "1_label.mat", [False, True, True])
    _write(tmp_path / "10_label.mat", [False, False])
    labels = read(tmp_path, ["01", "10"])
    assert labels.truth("01", 3).tolist() == [False, True, True]
    assert labels.truth("10", 2).tolist() == [False, False]
    with pytest.raises(RejectedError, match="labelled with 3 frames but has 4"):
        labels.truth("01", 4)


def test_one_file_and_one_frame_will_do(tmp_path: Path) -> None:
    _write(tmp_path / "7_label.mat", [True])
    assert read(tmp_path / "7_label.mat", ["07"]).truth("07", 1).tolist() == [True]


def test_masks_may_be_one_array(tmp_path: Path) -> None:
    masks = np.zeros((6, 8, 4), np.uint8)
    masks[0, 0, 2] = 255
    savemat(tmp_path / "1_label.mat", {"volLabel": masks})
    assert read(tmp_path, ["01"]).truth("01", 4).tolist() == [False, False, True, False]


def test_files_of_something_else_are_named(tmp_path: Path) -> None:
    path = tmp_path / "1_label.mat"
    with pytest.raises(RejectedError, match=r"no \.mat file"):
        read(tmp_path, [])
    savemat(path, {"other": np.zeros(3)})
    with pytest.raises(RejectedError, match=r"1_label\.mat holds no variable volLabel"):
        read(tmp_path, ["01"])
    savemat(path, {"volLabel": np.zeros(3)})
    with pytest.raises(RejectedError, match="not a mask for each frame"):
        read(tmp_path, ["01"])
    path.write_bytes(b"not MATLAB at all, but long enough to be looked at" * 10)
    with pytest.raises(RejectedError, match=r"1_label\.mat is not a MATLAB file"):
        read(tmp_path, ["01"])


def test_a_file_of_matlab_7_3_says_how_to_save_it(tmp_path: Path) -> None:
    header = b"MATLAB 7.3 MAT-file".ljust(124) + bytes([0, 2]) + b"IM"
    (tmp_path / "1_label.mat").write_bytes(header + bytes(400))
    with pytest.raises(RejectedError, match="save -v7"):
        read(tmp_path, ["01"])
