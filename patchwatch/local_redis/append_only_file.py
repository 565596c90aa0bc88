"""What a crash of the machine leaves at the end of the queue's append-only file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from patchwatch.contract.errors import ConfigurationError

COPY = "cut-off.copy"
_BLOCK = 1 << 16


def keep_copy(aof: Path) -> Callable[[], int]:
    """Copy the newest part, over an earlier copy. Returns a function that says by how much it was shortened since.

    Raises `ConfigurationError` when there is no room for it.
    """
    newest = _newest(aof)
    if newest is None:
        return lambda: 0
    size = newest.stat().st_size
    try:
        shutil.copyfile(newest, aof / COPY)
    except OSError as error:
        raise ConfigurationError(
            f"the end of {newest} was cut off, and no copy of it can be made ({error.strerror or error}): make room"
        ) from None
    return lambda: size - newest.stat().st_size


def remove_zeros(aof: Path) -> None:
    """Some file systems leave zeros where data had not arrived yet; an entry never ends so."""
    newest = _newest(aof)
    if newest is not None and (length := _length_without_zeros(newest)) < newest.stat().st_size:
        os.truncate(newest, length)


def _newest(aof: Path) -> Path | None:
    """The part that was being written: its name holds its number."""
    parts = aof.glob("appendonly.aof.*.incr.aof")
    return max(parts, key=lambda path: (len(path.name), path.name), default=None)


def _length_without_zeros(path: Path) -> int:
    length = path.stat().st_size
    with path.open("rb") as file:
        while length:
            start = max(0, length - _BLOCK)
            file.seek(start)
            block = file.read(length - start).rstrip(b"\0")
            if block:
                return start + len(block)
            length = start
    return 0
