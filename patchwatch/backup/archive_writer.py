"""Writes a backup: piece by piece into a file beside the one it becomes, which is there whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from patchwatch.backup.manifest import NAME, Manifest, PackedFile
from patchwatch.contract.errors import ConflictError, RejectedError, StorageError

_LEVEL = 1  # of deflate: records are text, and a backup should not keep a processor busy
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class ArchiveWriter:
    """Use `writing`."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.files: list[PackedFile] = []

    def add(self, name: str, pieces: Iterable[bytes], *, packed: bool) -> None:
        """An entry. ``packed``: whether it is worth compressing, as text is and pictures are not."""
        entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        entry._compresslevel = _LEVEL  # type: ignore[attr-defined]
        entry.external_attr = 0o600 << 16
        digest, size = hashlib.sha256(), 0
        with self._archive.open(entry, "w", force_zip64=True) as file:
            for piece in pieces:
                file.write(piece)
                digest.update(piece)
                size += len(piece)
        self.files.append(PackedFile(name=name, bytes=size, sha256=digest.hexdigest()))

    def finish(self, manifest: Manifest) -> None:
        self._archive.writestr(NAME, manifest.encode(), zipfile.ZIP_DEFLATED)


@contextmanager
def writing(path: Path) -> Iterator[ArchiveWriter]:
    """Write a backup to ``path``, which only this user may read. It appears when all is written and on disk.

    Raises `ConflictError` where there is a file already or another backup is being written to it, `StorageError` for a
    disk that is full, `RejectedError` for a folder that cannot be written to.
    """
    part = path.with_name(f".{path.name}.part")  # what a killed process leaves behind is written over by the next
    try:
        _check_absent(path)
        with _opened(part) as file:
            try:
                with zipfile.ZipFile(file, "w", allowZip64=True) as archive:
                    yield ArchiveWriter(archive)
                file.flush()
                os.fsync(file.fileno())
                _check_absent(path)
                os.replace(part, path)
            finally:
                part.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        if error.errno in _FULL:
            raise StorageError(
                f"there is no room for {path} ({error.strerror}): make room, or name another disk"
            ) from None
        raise RejectedError(f"{path} cannot be written ({error.strerror or error}): name another place") from None


def _check_absent(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise ConflictError(f"{path} exists already: name another file, or remove that one")


@contextmanager
def _opened(part: Path) -> Iterator[IO[bytes]]:
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConflictError(f"another backup is being written to {part.parent}: wait until it has ended") from None
        os.fchmod(descriptor, 0o600)
        file.truncate(0)
        yield file


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
