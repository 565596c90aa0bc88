"""A memory on disk: within its budget, whole after any crash, and readable while it is written."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stretches import START_MS, small_stretch, some_stretch

from models.memory import store as store_module
from models.memory.store import MemoryStore
from patchwatch.contract.errors import NotFoundError, StorageError, StretchError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "memory" / "cam" / "scene"


def filled(folder: Path, count: int = 3, budget_mb: float = 1.0) -> MemoryStore:
    memory = MemoryStore(folder, budget_mb)
    for n in range(count):
        memory.append(small_stretch(seed=n, started_ms=START_MS + n * 60_000))
    return memory


def test_what_was_appended_is_listed_and_read_by_another_process(folder: Path) -> None:
    written = filled(folder)
    other = MemoryStore(folder, 1.0)
    assert other.infos() == written.infos()
    assert [info.started_ms for info in other.infos()] == [START_MS + n * 60_000 for n in range(3)]
    for n, info in enumerate(other.infos()):
        np.testing.assert_array_equal(other.read(info.id).scores, small_stretch(seed=n).scores)
        assert info.bytes == (folder / f"{info.id}.stretch").stat().st_size


def test_nobody_else_may_read_the_pictures(folder: Path) -> None:
    filled(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_there_is_nothing_before_the_first_stretch(folder: Path) -> None:
    memory = MemoryStore(folder, 1.0)
    assert memory.infos() == []
    memory.clear()
    assert not folder.exists()


def test_the_budget_is_never_exceeded(folder: Path) -> None:
    memory = MemoryStore(folder, 0.02)
    for n in range(30):
        memory.append(small_stretch(seed=n, started_ms=START_MS + n * 600_000))
        assert sum(path.stat().st_size for path in folder.iterdir()) <= 20_000
    assert len(memory.infos()) > 2


def test_a_stretch_beyond_the_whole_budget_is_not_kept(folder: Path) -> None:
    memory = filled(folder, 1, budget_mb=0.01)
    assert memory.append(some_stretch(frames=30)) is None
    assert len(memory.infos()) == 1


def test_removed_is_gone_and_cleared_is_empty(folder: Path) -> None:
    memory = filled(folder)
    first, *_ = memory.infos()
    memory.remove(first.id)
    memory.remove(first.id)
    assert first.id not in {info.id for info in MemoryStore(folder, 1.0).infos()}
    with pytest.raises(NotFoundError):
        memory.read(first.id)
    memory.clear()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["../../secret", "x", "1800000000000-0123456789abcdef/..", ""])
def test_an_id_is_never_a_path(folder: Path, name: str) -> None:
    with pytest.raises(NotFoundError):
        filled(folder).read(name)


def test_a_damaged_file_is_left_out_counted_and_let_go_at_the_next_chance(folder: Path) -> None:
    memory = filled(folder)
    first, second, third = memory.infos()
    (folder / f"{first.id}.stretch").write_bytes(b"no stretch")
    path = folder / f"{second.id}.stretch"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    fresh = MemoryStore(folder, 1.0)
    assert [info.id for info in fresh.infos()] == [second.id, third.id]
    assert fresh.damaged == 1
    with pytest.raises(StretchError, match="does not hold what was stored"):
        fresh.read(second.id)
    fresh.append(small_stretch(seed=9, started_ms=START_MS + 10**7))
    assert not (folder / f"{first.id}.stretch").exists()


def test_links_pipes_and_foreign_files_are_no_stretches(folder: Path, tmp_path: Path) -> None:
    memory = filled(folder, 1)
    [info] = memory.infos()
    names = [f"{START_MS + n}-0123456789abcdef.stretch" for n in range(3)]
    os.mkfifo(folder / names[0])
    (folder / names[1]).symlink_to(folder / f"{info.id}.stretch")
    (folder / names[2]).mkdir()
    (folder / "notes.txt").write_text("mine")
    assert MemoryStore(folder, 1.0).infos() == [info]
    with pytest.raises((StorageError, StretchError)):
        memory.read(names[0].removesuffix(".stretch"))


def test_a_crash_before_the_file_has_its_name_leaves_the_memory_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = filled(folder).infos()

    class PowerCut(BaseException):
        pass

    def cut(*_: Any) -> None:
        raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr(store_module, "put_in_place", cut)
        with pytest.raises(PowerCut):
            MemoryStore(folder, 1.0).append(small_stretch(seed=7, started_ms=START_MS + 10**7))
    assert any(path.suffix == ".part" for path in folder.iterdir())
    restarted = MemoryStore(folder, 1.0)
    assert restarted.infos() == before
    restarted.append(small_stretch(seed=8, started_ms=START_MS + 10**7))
    assert {path.suffix for path in folder.iterdir()} == {".stretch"}


def test_a_full_disk_is_an_error_that_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = filled(folder)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store_module, "put_in_place", full)
    with pytest.raises(StorageError, match="make room"):
        memory.append(small_stretch(seed=7, started_ms=START_MS + 10**7))
    assert {path.suffix for path in folder.iterdir()} == {".stretch"}
    assert len(memory.infos()) == 3
