"""The files that belong to a backup: banks, what is remembered of normal, and evidence of alerts."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from models.banks.bank_file import read_stamp
from patchwatch.contract.errors import BankMismatchError, InvalidMessageError, NotFoundError, StorageError
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.evidence import FOLDER as EVIDENCE
from patchwatch.messages.alerts.evidence import MANIFEST as EVIDENCE_MANIFEST
from patchwatch.messages.banks.bank_version import BankVersion
from patchwatch.storage.folder import FolderStorage
from patchwatch.storage.opening import open_storage
from patchwatch.storage.storage import Storage, StoredFile
from workers.sharing.shared_file import INDEXES, rank_of

BANKS, MEMORY = "banks", "memory"
_ADDITION = ".addition"
_CHUNK = 8 * 2**20
_TRIES = 5  # of a file that is replaced while it is read
_EVIDENCE_NAME = re.compile(rf"{EVIDENCE}/[A-Za-z0-9][A-Za-z0-9._-]{{0,199}}/[a-z]+(?:\.[a-z0-9]+)?")
_VERSION = re.compile(r"(banks/[^/]+/[^/]+)/([^/]+)\.safetensors")


@dataclass(frozen=True)
class StoredFiles:
    """``data``: where banks and memory are; ``evidence``: the store of evidence."""

    data: Storage
    evidence: Storage

    @classmethod
    def from_settings(cls, settings: Settings) -> StoredFiles:
        """Those to be read: the store that hosts share has the banks of all, the data folder those of this one."""
        return cls(open_storage(settings.store_url, settings.data_dir), _evidence(settings))

    @classmethod
    def on_this_host(cls, settings: Settings) -> StoredFiles:
        """Those to be written: what is new in the data folder is taken to the shared store by the workers."""
        return cls(FolderStorage(settings.data_dir), _evidence(settings))

    def banks(self, *, all_versions: bool) -> Iterator[StoredFile]:
        """Active and pinned banks with their indexes, or all of them."""
        found = [file for file in self.data.files(BANKS) if rank_of(file.path) is not None]
        wanted: dict[str, set[str]] = {}
        for file in sorted(found, key=lambda file: file.path):
            version = _VERSION.fullmatch(file.path)
            if version is None or all_versions:
                yield file
                continue
            folder, bank_id = version.groups()
            if folder not in wanted:
                wanted[folder] = self._pinned(folder) | self._active(folder)
            if bank_id in wanted[folder]:
                yield file

    def memory(self, *, stretches: bool) -> Iterator[StoredFile]:
        """What corrections add to the banks, without which they would not count; with ``stretches`` all that is
        remembered."""
        for file in self.data.files(MEMORY):
            if rank_of(file.path) is not None and (stretches or file.path.endswith(_ADDITION)):
                yield file

    def kept_evidence(self) -> Iterator[StoredFile]:
        """Of each alert the manifest last, as it was stored: where that is, all else is."""
        found = [file for file in self.evidence.files(EVIDENCE) if _EVIDENCE_NAME.fullmatch(file.path)]
        yield from sorted(found, key=lambda file: (file.path.endswith(f"/{EVIDENCE_MANIFEST}"), file.path))

    def _pinned(self, folder: str) -> set[str]:
        for name in INDEXES:
            try:
                rows = json.loads(self.data.read(f"{folder}/{name}"))
                versions = [BankVersion.decode(json.dumps(row)) for row in rows]
            except (NotFoundError, ValueError, TypeError, InvalidMessageError):
                continue
            return {version.id for version in versions if version.pinned}
        return set()

    def _active(self, folder: str) -> set[str]:
        try:
            with copied(self.data, f"{folder}.safetensors") as path:
                return {read_stamp(path).id}
        except (NotFoundError, BankMismatchError):
            return set()


def is_file_of_ours(path: str) -> bool:
    """Whether a backup may hold a file of this name."""
    return rank_of(path) is not None or _EVIDENCE_NAME.fullmatch(path) is not None


def is_evidence(path: str) -> bool:
    """Whether a file is of the store of evidence, not of the data folder."""
    return path.startswith(f"{EVIDENCE}/")


@contextmanager
def copied(storage: Storage, path: str) -> Iterator[Path]:
    """A copy of a file as it was at one moment. Raises `NotFoundError`, and `StorageError` for one that changes all
    the time."""
    with tempfile.TemporaryDirectory(prefix="patchwatch-") as folder:
        copy = Path(folder) / "copy"
        for _ in range(_TRIES):
            before = _stat(storage, path)
            with copy.open("wb") as file:
                for start in range(0, max(before.size, 1), _CHUNK):
                    file.write(storage.read(path, start, min(_CHUNK, before.size - start)))
            if _stat(storage, path) == before == StoredFile(path, copy.stat().st_size, before.modified_at_s):
                yield copy
                return
    raise StorageError(f"{path} in {storage.place} is changed all the time: try again")


def pieces(path: Path) -> Iterator[bytes]:
    """A file, piece by piece."""
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            yield piece


def _stat(storage: Storage, path: str) -> StoredFile:
    if (found := storage.stat(path)) is None:
        raise NotFoundError(f"{path} is not stored in {storage.place}")
    return found


def _evidence(settings: Settings) -> Storage:
    return open_storage(settings.evidence_url, settings.evidence_dir)
