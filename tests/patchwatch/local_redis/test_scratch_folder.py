"""Private folders go with their process, also when it is killed outright."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from patchwatch.bus.connection import connect
from patchwatch.local_redis.private_server import private_redis
from patchwatch.local_redis.scratch_folder import scratch_folder

HOLDS_ONE = """
from patchwatch.local_redis.scratch_folder import scratch_folder
with scratch_folder("test") as folder:
    print(folder, flush=True)
    input()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_a_folder_is_private_and_goes(temporary: Path) -> None:
    with scratch_folder("test") as folder:
        assert (folder.parent, folder.stat().st_mode & 0o777) == (temporary, 0o700)
        (folder / "file").touch()
    assert not list(temporary.iterdir())


def test_the_next_one_removes_what_a_killed_process_left_and_nothing_else(temporary: Path) -> None:
    (temporary / "patchwatch-scratch-other-1").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS_ONE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        left = Path(holder.stdout.readline().strip())
        with scratch_folder("test"):
            assert left.is_dir(), "its process lives"
        holder.kill()
    assert left.is_dir()
    with scratch_folder("test") as mine:
        assert {path.name for path in temporary.iterdir()} == {mine.name, "patchwatch-scratch-other-1"}


def test_a_long_temporary_folder_holds_no_socket(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = temporary / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with private_redis() as url, connect(url) as client:
        assert client.ping()
        assert str(deep) not in url
