"""What a store of files can do, and how one is opened by its address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from patchwatch.contract.errors import RejectedError

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+=-]{0,200}(?:/[A-Za-z0-9_][A-Za-z0-9._+=-]{0,200}){0,7}")


@dataclass(frozen=True)
class StoredFile:
    """``path``: its name within the store, with ``/`` between folders. ``modified_at_s``: Unix time."""

    path: str
    size: int
    modified_at_s: float


class Storage(Protocol):
    """Files by name. Every method raises `StorageError` where the store is away, full or refuses.

    Each call ends within about a minute, but in a folder of a network share that hangs. All may be called from any
    thread.
    """

    @property
    def place(self) -> str:
        """The address or folder, for messages to people."""

    def put(self, path: str, file: Path) -> None:
        """Store a copy of a file under this name: whole, or not at all. Replaces what was there."""

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        """The bytes from ``start`` on, at most ``length``. Raises `NotFoundError` where there is no such file."""

    def stat(self, path: str) -> StoredFile | None:
        """None where there is no such file."""

    def files(self, prefix: str = "") -> Iterator[StoredFile]:
        """All files below a folder of the store, in no order."""

    def delete(self, path: str) -> None:
        """Of a file that is not there, nothing."""


def checked(path: str) -> str:
    """The name itself. Raises `RejectedError` for one that might lead out of the store."""
    if not _NAME.fullmatch(path) or ".." in path:
        raise RejectedError(f"{path[:100]!r} is no name of a stored file")
    return path
