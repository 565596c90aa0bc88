"""The memory of one camera and profile on disk: one file a stretch, within a budget."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from models.banks.bank_file import put_in_place
from models.memory.retention import make_room
from models.memory.stretches.stretch import Stretch, StretchInfo
from models.memory.stretches.stretch_file import MOST_BYTES, facts_of, from_bytes, head_length, read_facts, to_bytes
from patchwatch.contract.errors import NotFoundError, StorageError, StretchError

_SUFFIX = ".stretch"
_PART = ".part"
_NAME = re.compile(r"(\d{13,16})-([0-9a-f]{16})")
_HEAD_BYTES = 2**14  # more than a head usually has
_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe would hold up whoever opens it
_MB = 10**6


class MemoryStore:
    """Stretches in a folder, which is made when the first one is stored. Only one process at a time may change it, any
    number may read meanwhile.

    A stretch's id is its start and a hash of its file, so what is damaged is never taken for a memory. Files are never
    changed, and the index is made of them: there is nothing else that a crash could leave behind but a part file.
    """

    def __init__(self, folder: Path, budget_mb: float) -> None:
        self.damaged = 0  # files that the last `infos` left out
        self._folder = folder
        self._budget_bytes = int(budget_mb * _MB)
        self._known: dict[str, StretchInfo] = {}
        self._unusable: set[str] = set()

    def infos(self) -> list[StretchInfo]:
        """All stretches, by their start. What cannot be read is left out and counted in `damaged`."""
        infos: dict[str, StretchInfo] = {}
        self._unusable, unreadable = set(), 0
        for stretch_id, size_bytes in self._files():
            try:
                infos[stretch_id] = self._known.get(stretch_id) or self._read_info(stretch_id, size_bytes)
            except StretchError:
                self._unusable.add(stretch_id)
            except StorageError:
                unreadable += 1
            except NotFoundError:
                continue  # it was let go meanwhile
        self._known, self.damaged = infos, len(self._unusable) + unreadable
        return sorted(infos.values(), key=lambda info: (info.started_ms, info.id))

    def read(self, stretch_id: str) -> Stretch:
        """Raises `NotFoundError`, `StretchError` for a file that does not hold what was stored, or `StorageError`."""
        data = self._bytes(stretch_id, MOST_BYTES + 1)
        if _digest(data) != stretch_id.rpartition("-")[2]:
            raise StretchError(f"{self._path(stretch_id)} does not hold what was stored: remove it")
        try:
            return from_bytes(data)
        except StretchError as error:
            raise StretchError(f"{self._path(stretch_id)} cannot be used: {error}; remove it") from None

    def append(self, stretch: Stretch) -> StretchInfo | None:
        """Store a stretch durably, and let go of others so that all fit the budget; None if it does not fit by itself.

        Raises `StorageError` when the disk is full or the folder cannot be written to.
        """
        data = to_bytes(stretch)
        if len(data) > min(self._budget_bytes, MOST_BYTES):
            return None
        info = facts_of(stretch).info(f"{stretch.started_ms:013d}-{_digest(data)}", len(data))
        with self._storing():
            self._make_room(info)
            self._write(self._path(info.id), data)
        self._known[info.id] = info
        return info

    def remove(self, stretch_id: str) -> None:
        """Delete a stretch; nothing where there is none. Raises `StorageError`."""
        with self._storing():
            self._path(stretch_id).unlink(missing_ok=True)
        self._known.pop(stretch_id, None)

    def clear(self) -> None:
        """Delete everything, whether it can be read or not. Raises `StorageError`."""
        with self._storing():
            for name in self._names():
                if name.endswith((_SUFFIX, _PART)):
                    (self._folder / name).unlink(missing_ok=True)
        self._known = {}

    def _make_room(self, info: StretchInfo) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in self._names():
            if name.endswith(_PART):  # there is one writer, and it is us: whoever began this has ended
                (self._folder / name).unlink(missing_ok=True)
        others = [other for other in self.infos() if other.id != info.id]
        for stretch_id in self._unusable:  # it would never be let go otherwise, and fill the budget
            self._path(stretch_id).unlink(missing_ok=True)
        for stretch in make_room(others, info, self._budget_bytes):
            self.remove(stretch.id)

    def _write(self, path: Path, data: bytes) -> None:
        part = path.with_suffix(_PART)
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            put_in_place(part, path)
        except OSError:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise

    def _read_info(self, stretch_id: str, size_bytes: int) -> StretchInfo:
        if size_bytes > MOST_BYTES:
            raise StretchError(f"{self._path(stretch_id)} is too large for a stretch: remove it")
        head = self._bytes(stretch_id, _HEAD_BYTES)
        needed = head_length(head)
        return read_facts(head if needed <= len(head) else self._bytes(stretch_id, needed)).info(stretch_id, size_bytes)

    def _files(self) -> Iterator[tuple[str, int]]:
        """Id and size of each file; links, pipes and folders are no stretches."""
        with contextlib.suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                stretch_id = entry.name.removesuffix(_SUFFIX)
                if entry.name.endswith(_SUFFIX) and _NAME.fullmatch(stretch_id):
                    with contextlib.suppress(OSError):
                        if entry.is_file(follow_symlinks=False):
                            yield stretch_id, entry.stat(follow_symlinks=False).st_size

    def _names(self) -> list[str]:
        try:
            return os.listdir(self._folder)
        except FileNotFoundError:
            return []

    def _bytes(self, stretch_id: str, most: int) -> bytes:
        try:
            with os.fdopen(os.open(self._path(stretch_id), _READING), "rb") as file:
                return file.read(most)
        except FileNotFoundError:
            raise NotFoundError(f"there is no stretch {stretch_id} in {self._folder}") from None
        except OSError as error:
            raise StorageError(f"{self._path(stretch_id)} cannot be read ({error})") from None

    def _path(self, stretch_id: str) -> Path:
        if not _NAME.fullmatch(stretch_id):
            raise NotFoundError(f"{stretch_id!r} is not the id of a stretch")
        return self._folder / f"{stretch_id}{_SUFFIX}"

    @contextlib.contextmanager
    def _storing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"normal cannot be remembered in {self._folder} ({error}): make room, or the folder writable"
            ) from None


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()
