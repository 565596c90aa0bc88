"""What a correction adds comes back from the disk as it was, and nothing else is taken for it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from models.banks.rare_vectors import MOST_VECTORS, StreamVectors
from models.memory.addition_file import AdditionFacts, load_addition, save_addition
from patchwatch.contract.errors import NotFoundError, PatchwatchError, StorageError, StretchError

PRINT = "0123456789abcdef"


def streams() -> tuple[StreamVectors, ...]:
    rng = np.random.default_rng(2)
    some = StreamVectors(rng.normal(size=(7, 5)).astype(np.float32), rng.integers(0, 9, 7).astype(np.int32))
    return some, StreamVectors(np.zeros((0, 1), np.float32), np.zeros(0, np.int32))


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.addition"
    save_addition(path, streams(), PRINT, 123)
    loaded, facts = load_addition(path)
    assert facts == AdditionFacts(format=1, fingerprint=PRINT, read_ms=123, streams=2)
    for one, other in zip(loaded, streams(), strict=True):
        assert np.array_equal(one.vectors, other.vectors)
        assert np.array_equal(one.groups, other.groups)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_every_cut_and_every_flipped_byte_is_refused_or_harmless(tmp_path: Path) -> None:
    path = tmp_path / "a.addition"
    save_addition(path, streams(), PRINT, 123)
    whole = path.read_bytes()
    damaged = [whole[:length] for length in range(0, len(whole), 7)]
    damaged += [whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(0, len(whole), 3)]
    for data in damaged:
        path.write_bytes(data)
        try:
            loaded, _ = load_addition(path)
        except StretchError as error:
            assert "remove it" in str(error)  # noqa: PT017 (most, not all, are refused)
        else:
            assert all(np.isfinite(part.vectors).all() for part in loaded)


def _saved(number: int, dtype: type = np.float32, streams: str = "1", value: float = 0.0) -> bytes:
    facts = f'{{"format":1,"fingerprint":"{PRINT}","read_ms":1,"streams":{streams}}}'
    tensors = {"0.vectors": np.full((number, 2), value, dtype), "0.groups": np.zeros(number, np.int32)}
    return save(tensors, metadata={"patchwatch": facts})


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff" * 64, _saved(MOST_VECTORS + 1), _saved(3, np.float64), _saved(3, value=np.nan),
        _saved(3, streams="2"), _saved(3, streams="99999"), _saved(3, streams='"1"'),
    ],
)  # fmt: skip
def test_hostile_files_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.addition"
    path.write_bytes(data)
    with pytest.raises(StretchError):
        load_addition(path)


def test_links_pipes_and_folders_are_no_files(tmp_path: Path) -> None:
    save_addition(tmp_path / "real", streams(), PRINT, 1)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("link", "pipe", "folder"):
        with pytest.raises(PatchwatchError):
            load_addition(tmp_path / name)
    with pytest.raises(NotFoundError):
        load_addition(tmp_path / "none")


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="make room"):
        save_addition(tmp_path / "file" / "a.addition", streams(), PRINT, 1)
