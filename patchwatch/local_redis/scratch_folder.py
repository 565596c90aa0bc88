"""Private folders that are deleted when the process ends; those of a killed process are deleted by the next one."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "patchwatch-scratch-"
_SHORT_FOLDERS = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))  # noqa: S108 - mkdtemp makes a private folder there


@contextmanager
def scratch_folder(name: str, longest_path: int | None = None) -> Iterator[Path]:
    """A new folder that only this user may enter, deleted at the end.

    ``longest_path``: bytes that its own path may have, where it is to hold a Unix socket: a long TMPDIR is then left
    for /tmp. Folders of the same name whose process was killed are deleted first. Raises `OSError`.
    """
    prefix = f"{_PREFIX}{name}-"
    parent = _parent(prefix, longest_path)
    _remove_leftovers(parent, prefix)
    folder, lock = _locked_folder(parent, prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _parent(prefix: str, longest_path: int | None) -> Path:
    usual = Path(tempfile.gettempdir())
    if longest_path is None:
        return usual
    room = longest_path - len(f"/{prefix}12345678")
    fitting = (folder for folder in (usual, *_SHORT_FOLDERS) if len(os.fsencode(folder)) <= room)
    return next((folder for folder in fitting if os.access(folder, os.W_OK | os.X_OK)), usual)


def _locked_folder(parent: Path, prefix: str) -> tuple[Path, int]:
    """A folder and the descriptor that holds its lock, which the system gives up when we end, however we end."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        with suppress(FileNotFoundError):  # before we locked it another process deleted it as a leftover
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)


def _remove_leftovers(parent: Path, prefix: str) -> None:
    for folder in parent.glob(f"{prefix}*"):
        with suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
