"""ZIP archives of strangers: read without being made to unpack more than was foreseen."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from dataclasses import dataclass

_CHUNK = 1 << 20
# What `zipfile` raises of an archive that is none, damaged, encrypted, or packed in a way that it does not know.
DEFECTS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, RuntimeError, OSError)


@dataclass(frozen=True)
class ZipLimits:
    """``noun``: what the archive should be. ``bytes``: of all entries, unpacked."""

    noun: str
    entries: int
    bytes: int

    def check(self, archive: zipfile.ZipFile) -> None:
        """Raises `ValueError` for an archive beyond them, or packed in a way of which a part cannot be read alone."""
        entries = archive.infolist()
        if len(entries) > self.entries:
            raise ValueError(f"{len(entries)} entries are more than {self.noun} has")
        # Of other methods zipfile unpacks in one piece, however little is read.
        if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in entries):
            raise ValueError(f"entries that are packed in another way than {self.noun} is")
        if sum(entry.file_size for entry in entries) > self.bytes:
            raise ValueError(f"more than {self.bytes // 10**6} MB unpacked, which {self.noun} never is")


def read_bounded(archive: zipfile.ZipFile, name: str, most_bytes: int) -> bytes:
    """A small entry. Raises `KeyError` where there is none, `ValueError` for one that is longer."""
    with archive.open(name) as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise ValueError(f"{name} is too long")
    return data


def agrees(archive: zipfile.ZipFile, name: str, size: int, sha256: str) -> bool:
    """Whether an entry has this size and hash."""
    if archive.getinfo(name).file_size != size:
        return False
    digest = hashlib.sha256()
    try:
        with archive.open(name) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except (zipfile.BadZipFile, zlib.error):  # its own, weaker check found it first
        return False
    return digest.hexdigest() == sha256
