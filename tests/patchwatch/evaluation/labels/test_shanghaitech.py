"""Labels as the NumPy files of ShanghaiTech Campus."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.labels.shanghaitech import read


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float64, np.bool_])
def test_one_flag_a_frame(tmp_path: Path, dtype: type) -> None:
    np.save(tmp_path / "01_0014.npy", np.array([0, 1, 1, 0], dtype))
    np.save(tmp_path / "01_0015.npy", np.array([[0, 1]], dtype))
    labels = read(tmp_path, ["01_0014", "01_0015"])
    assert labels.truth("01_0014", 4).tolist() == [False, True, True, False]
    assert labels.truth("01_0015", 2).tolist() == [False, True]
    assert labels.format == "shanghaitech"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (np.array([0, 2]), "other than 0 and 1"),
        (np.zeros((3, 4)), "not one value a frame"),
        (np.zeros(0), "not one value a frame"),
        (np.array([{}], object), "is not a NumPy array"),
    ],
)
def test_other_arrays_are_named(tmp_path: Path, flags: np.ndarray, said: str) -> None:
    np.save(tmp_path / "01_0014.npy", flags, allow_pickle=True)
    with pytest.raises(RejectedError, match=rf"01_0014\.npy.*{said}"):
        read(tmp_path, ["01_0014"])


def test_files_that_are_no_arrays_are_named(tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match=r"no \.npy file"):
        read(tmp_path, [])
    (tmp_path / "01_0014.npy").write_text("nonsense")
    with pytest.raises(RejectedError, match=r"01_0014\.npy is not a NumPy array"):
        read(tmp_path, ["01_0014"])
    (tmp_path / "01_0014.npy").write_bytes(b"")
    with pytest.raises(RejectedError, match=r"01_0014\.npy"):
        read(tmp_path, ["01_0014"])
