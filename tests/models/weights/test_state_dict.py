"""A state dict of PyTorch's old form is read as data, without PyTorch; whatever else a file holds is refused."""

from __future__ import annotations

import pickle
from pathlib import Path
from random import Random

import numpy as np
import parts
import pytest
from old_state_dict import call, file_of, state, tensor

from models.weights.state_dict import read_state_dict

VALUES = np.arange(6, dtype=np.float32)
STORED = {"0": VALUES.tobytes()}


def read(path: Path, content: bytes) -> dict[str, np.ndarray]:
    path.write_bytes(content)
    return read_state_dict(path)


def test_views_of_one_storage_are_arrays_of_their_own(tmp_path: Path) -> None:
    entries = {
        "all": tensor("0", (2, 3), (3, 1)),
        "turned": tensor("0", (2, 2), (1, 3), 1),
        "one": tensor("0", (), (), 5),
    }
    found = read(tmp_path / "x.pth", file_of(state(entries), STORED))
    np.testing.assert_array_equal(found["all"], VALUES.reshape(2, 3))
    np.testing.assert_array_equal(found["turned"], [[1, 4], [2, 5]])
    assert found["one"] == 5
    found["all"][:] = 0
    assert found["turned"].sum() == 12


@pytest.mark.clip
def test_arrays_are_those_that_pytorch_itself_reads(tmp_path: Path) -> None:
    torch = parts.torch()
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)).half()
    wanted = module.state_dict() | {"turned": torch.arange(6.0).reshape(2, 3).T, "none": torch.zeros(0, 3)}
    torch.serialization.save(wanted, tmp_path / "x.pth", _use_new_zipfile_serialization=False)
    found = read_state_dict(tmp_path / "x.pth")
    assert found.keys() == wanted.keys()
    for name, one in wanted.items():
        assert (found[name].shape, found[name].dtype) == (tuple(one.shape), one.numpy().dtype)
        np.testing.assert_array_equal(found[name], one.numpy())


@pytest.mark.parametrize(
    ("module", "name"),
    [("os", "mkdir"), ("builtins", "eval"), ("torch", "load"), ("torch._utils", "_rebuild_device_tensor_from_numpy"),
     ("models.weights.state_dict", "read_state_dict"), ("collections", "Counter")],
)  # fmt: skip
def test_whatever_is_no_tensor_is_not_called(
    module: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(pickle.UnpicklingError, match=f"{module}.{name}, which is no tensor"):
        read(tmp_path / "x.pth", file_of(state({"weight": call(module, name, "called")}), STORED))
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize(
    "entry",
    [
        tensor("0", (7,), (1,)),
        tensor("0", (3, 3), (3, 1)),
        tensor("0", (2,), (1,), 5),
        tensor("0", (2,), (-1,), 5),
        tensor("0", (2,), (1,), -1),
        tensor("0", (10**12,), (0,)),  # one value, a thousand billion times
        tensor("0", (-(10**12),), (1,)),
        tensor("0", (2, 3), (1,)),
        tensor("0", (1,) * 40, (1,) * 40),
        tensor("1", (1,), (1,)),  # of a storage that is not there
        "V0\n",
        "(I1\nI2\nt",
    ],
)
def test_a_tensor_outside_its_storage_and_what_is_none_are_refused(entry: str, tmp_path: Path) -> None:
    with pytest.raises(pickle.UnpicklingError):
        read(tmp_path / "x.pth", file_of(state({"weight": entry}), STORED))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 of today", pickle.dumps({"weight": 1}), b"\x80\x02K\x01."])
def test_another_form_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(pickle.UnpicklingError):
        read(tmp_path / "x.pth", content)


def test_lengths_that_a_file_only_claims_take_no_memory(tmp_path: Path) -> None:
    whole = file_of(state({"weight": tensor("0", (6,), (1,))}), STORED)
    claimed = whole[: -len(STORED["0"]) - 8] + (1 << 60).to_bytes(8, "little")
    with pytest.raises(pickle.UnpicklingError, match="ends within its tensors"):
        read(tmp_path / "x.pth", claimed)
    far = b"\x80\x02K\x01r\xff\xff\xff\x7f."  # a memo of two billion places
    with pytest.raises(pickle.UnpicklingError):
        read(tmp_path / "x.pth", far + whole)


def test_a_damaged_file_is_refused_in_one_way_only(tmp_path: Path) -> None:
    whole, random = file_of(state({"weight": tensor("0", (2, 3), (3, 1))}), STORED), Random(7)
    damaged = [whole[:end] for end in range(0, len(whole) - 1, 5)]
    for _ in range(300):
        changed = bytearray(whole)
        for _ in range(random.randrange(1, 4)):
            changed[random.randrange(len(changed))] = random.randrange(256)
        damaged.append(bytes(changed))
    refused = 0
    for content in damaged:
        try:
            assert all(isinstance(value, np.ndarray) for value in read(tmp_path / "x.pth", content).values())
        except pickle.UnpicklingError:
            refused += 1
    assert refused > 100
