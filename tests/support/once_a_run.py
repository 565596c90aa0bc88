"""What takes long to make and no test changes: the first of a run's processes that needs it makes it, all find it."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path

import pytest


class _Run:
    folder: Path | None = None  # of all processes of the run


def begin(temporary: pytest.TempPathFactory, *, is_one_of_many: bool) -> None:
    """From now on files are kept in the run's temporary folder, which pytest deletes after a few runs."""
    base = temporary.getbasetemp()
    _Run.folder = base.parent if is_one_of_many else base


def once_a_run(name: str, make: Callable[[Path], object]) -> Path:
    """The file of this name; ``make`` writes it where there is none yet, and others wait meanwhile."""
    assert _Run.folder is not None, "tests/conftest.py begins it"
    path, made = _Run.folder / name, _Run.folder / f"making-{name}"
    with (_Run.folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            make(made)
            made.rename(path)
    return path
