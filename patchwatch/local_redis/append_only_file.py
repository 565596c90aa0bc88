"""Repairs the end of the queue's append-only file after a crash of the machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from patchwatch.contract.errors import ConfigurationError

COPY = "cut-off.copy"
_BLOCK = 1 << 16


def keep_copy(aof: Path) -> Callable[[], int]:
    """Copy the newest part, replacing an earlier copy. The function returned tells how many bytes were cut off since.

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
    """Cut zeros off the end: some file systems leave them where data had not arrived yet, and no entry ends so."""
    newest = _newest(aof)
    if newest is not None and (length := _length_without_zeros(newest)) < newest.stat().st_size:
        os.truncate(newest, length)


def _newest(aof: Path) -> Path | None:
    """The part that was being written, found by the number in its name."""
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
