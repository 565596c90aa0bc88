"""All banks that a camera ever had for one profile, as files on disk; one of them is active.

``banks/CAMERA/PROFILE.safetensors`` is the active bank: what scores. It is a copy, so that ``cp`` puts another bank in
its place and harms no version. ``banks/CAMERA/PROFILE/`` holds the versions, each under its id and never written again,
and ``versions.json``, the index. The index can be rebuilt from the files, but for what people said of the versions:
which of them they chose and which are pinned. So it is kept twice, and one copy is enough. Which bank is active is
never stored, but read from the active file itself, so that the two cannot differ.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from models.banks.bank import Bank
from models.banks.bank_file import READABLE, BankStamp, check_identity, load_bank, put_in_place, read_stamp
from patchwatch.contract.bounds import PROFILE_PATTERN
from patchwatch.contract.errors import (
    BankMismatchError,
    ConflictError,
    InvalidMessageError,
    NotFoundError,
    StorageError,
)
from patchwatch.contract.settings import Settings
from patchwatch.messages.banks.bank_version import BankOrigin, BankVersion
from workers.analysis.bank_report import enrolment_report
from workers.enrolment.banks.staged import new_staged, sweep

KEPT = 10
_SUFFIX = ".safetensors"
_INDEX = "versions.json"
_COPY = "versions.copy.json"  # written before it
_LOCK_WITHIN_S = 30.0
_MODE = 0o600  # a bank holds pictures: only this user may read it
_FOUND = BankOrigin(by="found on disk")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stored:
    """A bank that was added, and the versions that went to make room."""

    version: BankVersion
    removed: tuple[BankVersion, ...]


class BankVersions:
    """The banks of one camera and profile under ``banks_dir``. ``kept``: how many, beside the active and pinned ones.

    Any number of processes may use them at once: whoever writes holds a lock on the folder. Every method raises
    `StorageError` when the disk refuses a write, and `NotFoundError` for an id that does not exist.
    """

    def __init__(self, banks_dir: Path, camera_id: str, profile: str, kept: int = KEPT) -> None:
        self.camera_id = camera_id
        self.profile = profile
        self.active_path = banks_dir / camera_id / f"{profile}{_SUFFIX}"
        self._folder = banks_dir / camera_id / profile
        self._index_path = self._folder / _INDEX
        self._index_copy = self._folder / _COPY
        self._kept = kept

    @classmethod
    def from_settings(cls, settings: Settings, camera_id: str, profile: str) -> BankVersions:
        """The banks of a camera on the disk of this installation."""
        return cls(settings.banks_dir, camera_id, profile, settings.bank_versions)

    def path(self, bank_id: str) -> Path:
        """The file of a version."""
        return self._folder / f"{bank_id}{_SUFFIX}"

    @property
    def active_id(self) -> str | None:
        """Id of the bank that scores; None when there is none that can be read."""
        try:
            return read_stamp(self.active_path).id
        except BankMismatchError:
            return None

    @property
    def signature(self) -> tuple[int, ...]:
        """Differs whenever one of the files has changed. Cheap to compute."""
        return tuple(_changed_ns(path) for path in (self.active_path, self._folder, self._index_path))

    def all(self) -> list[BankVersion]:
        """Newest first, including the active one, wherever it came from."""
        with self._locked(), _storing(self._folder):
            return self._read_versions()

    def get(self, bank_id: str) -> BankVersion:
        return _version_with_id(self.all(), bank_id, self.camera_id)

    @contextlib.contextmanager
    def staging(self) -> Iterator[Path]:
        """A path on the same disk to write a new bank to before `add`. The file is deleted at the end."""
        staged = new_staged(self._folder)
        with _storing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
        try:
            yield staged
        finally:
            with contextlib.suppress(OSError):
                staged.unlink(missing_ok=True)

    def add(self, staged: Path, bank: Bank, origin: BankOrigin) -> Stored:
        """Make a staged bank a version, without activating it. The oldest beyond ``kept`` are deleted."""
        with self._locked(), _storing(self._folder):
            known = self._read_versions()
            put_in_place(staged, self.path(bank.id))
            version = self._newest(self._describe(bank, origin, self.path(bank.id)), known)
            kept, removed = self._pruned([version, *(one for one in known if one.id != version.id)], version.id)
            self._write_index(kept)
            for old in removed:
                self.path(old.id).unlink(missing_ok=True)
            return Stored(version, tuple(removed))

    def activate(self, bank_id: str, *, by_operator: bool = False) -> BankVersion:
        """Score with this version from now on. Raises `BankMismatchError` for one that cannot be read here.

        ``by_operator``: the choice stays, and the camera replaces it by no bank that it learns by itself; unless it is
        the newest of those, by which the operator lets it go on.
        """
        with self._locked(), _storing(self._folder):
            known = self._read_versions()
            newest_own = next((version.id for version in known if version.origin.by_itself), None)
            chosen = by_operator and bank_id != newest_own
            version = _version_with_id(known, bank_id, self.camera_id).model_copy(update={"chosen": chosen})
            load_bank(self.path(bank_id))
            partial = self.active_path.with_suffix(f".{os.getpid()}.part")
            try:
                _copy(self.path(bank_id), partial)
                put_in_place(partial, self.active_path)
            finally:
                partial.unlink(missing_ok=True)
            others = (other.model_copy(update={"chosen": False}) for other in known)
            self._write_index([version if other.id == bank_id else other for other in others])
            return version

    def pin(self, bank_id: str, pinned: bool = True) -> BankVersion:
        """Keep a version for good, or stop that. Raises `ConflictError` when pins would leave no room for new banks."""
        with self._locked(), _storing(self._folder):
            known = self._read_versions()
            version = _version_with_id(known, bank_id, self.camera_id).model_copy(update={"pinned": pinned})
            others = sum(other.pinned for other in known if other.id != bank_id)
            if pinned and others >= self._kept - 1:
                raise ConflictError(
                    f"{others} banks are pinned already, and {self._kept} are kept: unpin one, or raise "
                    "PATCHWATCH_BANK_VERSIONS"
                )
            self._write_index([version if other.id == bank_id else other for other in known])
            return version

    def remove(self, bank_id: str) -> BankVersion:
        """Delete a version. Raises `ConflictError` for the active one and for a pinned one."""
        with self._locked(), _storing(self._folder):
            known = self._read_versions()
            version = _version_with_id(known, bank_id, self.camera_id)
            if bank_id == self.active_id:
                raise ConflictError(f"bank {bank_id} is the one that scores now: activate another one first")
            if version.pinned:
                raise ConflictError(f"bank {bank_id} is pinned: unpin it first")
            self._write_index([other for other in known if other.id != bank_id])
            self.path(bank_id).unlink(missing_ok=True)
            return version

    def check_beside_active(self, bank_id: str) -> None:
        """Whether a version can be scored beside the active one, from the same features. Raises `ConflictError` for the
        active one itself or where there is none, and `BankMismatchError`."""
        _version_with_id(self.all(), bank_id, self.camera_id)
        try:
            active = load_bank(self.active_path)
        except NotFoundError:
            raise ConflictError(
                f"no bank of profile {self.profile!r} scores now, so there is nothing to compare with: activate one"
            ) from None
        if bank_id == active.id:
            raise ConflictError(f"bank {bank_id} is the one that scores now: choose another one")
        bank = load_bank(self.path(bank_id))
        check_identity(bank, active.profile, active.identity, where=f"bank {bank_id}")
        if not bank.view.counts_like(active.view):
            raise BankMismatchError(
                f"bank {bank_id} was learnt with other zones than the active one, so the same features do not serve "
                "both: learn a new one, or activate it"
            )

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of these banks. A folder that cannot be written to is read without one."""
        if not (self._folder.is_dir() or self.active_path.exists()):
            yield
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            yield
            return
        try:
            self._lock(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        deadline_s = time.monotonic() + _LOCK_WITHIN_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline_s:
                    raise StorageError(
                        f"the banks in {self._folder} are in use by another process for {_LOCK_WITHIN_S:.0f} s: "
                        "end that one, or try again"
                    ) from None
                time.sleep(0.05)
            except OSError:  # a file system without locks, where a pin may get lost when two write at once
                return
            else:
                return

    def _read_versions(self) -> list[BankVersion]:
        """The versions as they are now: the index, corrected by the files in the folder and the active file."""
        indexed = {version.id: version for version in self._read_index()}
        files = {path.name.removesuffix(_SUFFIX): path for path in self._folder.glob(f"*{_SUFFIX}")}
        known = [version for bank_id, version in indexed.items() if bank_id in files]
        for bank_id in files.keys() - indexed.keys():
            if (version := self._adopt(files[bank_id], bank_id)) is not None:
                known.append(version)
        if (imported := self._import_active()) is not None:
            known.append(imported)
        known.sort(key=lambda version: (version.stored_at_ms, version.created_at, version.id), reverse=True)
        if {version.id for version in known} != indexed.keys():
            with contextlib.suppress(OSError):  # a disk that refuses writes can still be read
                self._write_index(known)
        sweep(self._folder)
        return known

    def _adopt(self, path: Path, bank_id: str) -> BankVersion | None:
        """The record of a file that the index lacks; None for a file that is no bank, which is left alone."""
        try:
            stamp = read_stamp(path)
            if stamp.id != bank_id:
                return None
            if stamp.format not in READABLE:
                return self._unreadable(path, stamp)
            return self._describe(load_bank(path), _FOUND, path)
        except (BankMismatchError, NotFoundError):
            return None

    def _import_active(self) -> BankVersion | None:
        """Make the active file a version if it is none yet: it predates versions, or was put there by ``cp``."""
        active_id = self.active_id
        if active_id is None or self.path(active_id).exists():
            return None
        partial = new_staged(self._folder)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _copy(self.active_path, partial)
            version = self._adopt(partial, active_id)
            if version is not None:  # else the user is still copying it
                put_in_place(partial, self.path(active_id))
        except OSError:  # a disk that refuses writes
            return self._adopt(self.active_path, active_id)
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
        return version

    def _describe(self, bank: Bank, origin: BankOrigin, path: Path) -> BankVersion:
        return BankVersion(
            id=bank.id, camera_id=self.camera_id, profile=self.profile, format=read_stamp(path).format,
            created_at=bank.created_at, stored_at_ms=_now_ms(), origin=origin,
            sources=bank.footage.sources, seconds=bank.footage.seconds,
            frames=bank.footage.frames, size_bytes=path.stat().st_size,
            report=enrolment_report(bank, self.camera_id), random_weights=bank.random_weights,
        )  # fmt: skip

    def _newest(self, version: BankVersion, known: list[BankVersion]) -> BankVersion:
        """With a time of storing after all others, even if the clock of this host was set back meanwhile."""
        after_ms = max((other.stored_at_ms + 1 for other in known if other.id != version.id), default=0)
        return version.model_copy(update={"stored_at_ms": max(version.stored_at_ms, after_ms)})

    def _unreadable(self, path: Path, stamp: BankStamp) -> BankVersion:
        return BankVersion(
            id=stamp.id, camera_id=self.camera_id, profile=self.profile, format=stamp.format, usable=False,
            created_at=stamp.created_at, stored_at_ms=_now_ms(), origin=_FOUND, size_bytes=path.stat().st_size,
        )  # fmt: skip

    def _pruned(self, known: list[BankVersion], newest_id: str) -> tuple[list[BankVersion], list[BankVersion]]:
        """The versions to keep and those to delete, of ``known`` ones from the newest to the oldest. What the camera
        learnt by itself goes first: it can be learnt again."""
        needed = {newest_id, self.active_id}
        spare = [version for version in known if not version.pinned and version.id not in needed]
        room = max(0, self._kept - (len(known) - len(spare)))
        gone = sorted(spare, key=lambda version: version.origin.by_itself)[room:]
        return [version for version in known if version not in gone], gone

    def _read_index(self) -> list[BankVersion]:
        """Of its two copies the first that can be read; nothing where there is none, or both are damaged."""
        if (rows := _rows_of(self._index_path)) is not None:
            return rows
        if (rows := _rows_of(self._index_copy)) is not None:
            with contextlib.suppress(OSError):  # a disk that refuses writes can still be read
                _write_index_to(self._index_path, rows)
            return rows
        if self._index_path.exists():
            log.error(
                "%s: which banks were chosen or pinned cannot be read any more, and their records are made anew from "
                "the files: activate the one that shall stay, and pin those that shall",
                self._folder,
            )
        return []

    def _write_index(self, versions: list[BankVersion]) -> None:
        """The copy first, so that at every moment one of the two is whole."""
        _write_index_to(self._index_copy, versions)
        _write_index_to(self._index_path, versions)


def _rows_of(path: Path) -> list[BankVersion] | None:
    """The records of an index; None where there is none, or it is damaged."""
    try:
        return [BankVersion.decode(json.dumps(row)) for row in json.loads(path.read_bytes())]
    except (OSError, ValueError, TypeError, InvalidMessageError):
        return None


def _write_index_to(path: Path, versions: list[BankVersion]) -> None:
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    rows = [version.model_dump(mode="json", exclude_none=True) for version in versions]
    try:
        partial.touch(mode=_MODE)
        partial.write_text(json.dumps(rows, indent=1))
        put_in_place(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def profiles_with_banks(banks_dir: Path, camera_id: str) -> list[str]:
    """Profiles for which a camera has banks on disk, by name."""
    try:
        names = {name.removesuffix(_SUFFIX) for name in os.listdir(f"{banks_dir}/{camera_id}")}
    except OSError:
        return []
    return sorted(name for name in names if re.fullmatch(PROFILE_PATTERN, name))


@contextlib.contextmanager
def _storing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"the banks in {folder} cannot be kept ({error}): make room, or the folder writable, and try again"
        ) from None


def _version_with_id(versions: list[BankVersion], bank_id: str, camera_id: str) -> BankVersion:
    for version in versions:
        if version.id == bank_id:
            return version
    known = ", ".join(version.id for version in versions) or "it has none"
    raise NotFoundError(f"there is no bank {bank_id!r} of camera {camera_id}: choose one of its own ({known})")


def _copy(source: Path, target: Path) -> None:
    target.touch(mode=_MODE)  # a copy onto an existing file keeps the mode of that file
    shutil.copyfile(source, target)


def _changed_ns(path: Path) -> int:
    try:
        status = path.stat()
    except OSError:
        return 0
    return status.st_mtime_ns + status.st_size


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
