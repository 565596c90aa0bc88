"""Keeps the banks and the memory of a data folder the same as in a store that other hosts use, too.

Each host works on its own folder, so scoring and learning never wait for the store. Files appear in an order in which
nothing refers to what is not there yet, whole or not at all. A pass that is cut off anywhere is taken up by the next.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol

from models.banks.bank_file import put_in_place
from patchwatch.contract.errors import NotFoundError, StorageError
from workers.sharing.plan import Known, Step, step_for
from workers.sharing.shared_file import INDEXES, TREES, local_files, never_changes, rank_of, version_of
from workers.sharing.sync_record import read_record, write_record

MARKER = "patchwatch-store.json"  # tells one store from another, and from one that was emptied
_MOST_BYTES = 2**31  # of a file
_SAVE_EVERY = 50  # steps
_LOCK_WITHIN_S = 10.0
_DELETING = (Step.DELETE_HERE, Step.DELETE_THERE, Step.FORGET)


class _Listed(Protocol):
    @property
    def path(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def modified_at_s(self) -> float: ...


class Store(Protocol):
    """As `patchwatch.storage.storage.Storage`."""

    @property
    def place(self) -> str: ...
    def put(self, path: str, file: Path) -> None: ...
    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes: ...
    def stat(self, path: str) -> _Listed | None: ...
    def files(self, prefix: str = "") -> Iterator[_Listed]: ...
    def delete(self, path: str) -> None: ...


class Mirror:
    """Of one data folder. Only one process a host may use it at a time (see `MirrorThread`)."""

    def __init__(self, data_dir: Path, store: Store) -> None:
        self._data_dir = data_dir
        self._store = store
        self._known: dict[str, Known] = {}
        self._listed: dict[str, _Listed] = {}
        self.moved = 0  # files, in both directions, since the beginning

    def sync(self) -> None:
        """One pass. Raises `StorageError` where either side refuses; what was done by then stays done."""
        store_id = self._store_id()
        record = read_record(self._data_dir)
        self._known = record.known() if record.store == store_id else {}  # another store: nothing is removed
        self._forget_lost_trees()
        here = dict(local_files(self._data_dir))
        self._listed = {one.path: one for tree in TREES for one in self._store.files(tree) if _is_shared(one)}
        try:
            for number, (name, step) in enumerate(self._steps(here)):
                self._take(name, step, here.get(name))
                if number % _SAVE_EVERY == _SAVE_EVERY - 1:
                    self._save(store_id)
        finally:
            self._save(store_id)

    def _steps(self, here: dict[str, str]) -> list[tuple[str, Step]]:
        """What is new comes before what refers to it; what goes, goes last, and in the other order."""
        steps = []
        for name in here.keys() | self._listed.keys() | self._known.keys():
            known = self._known.get(name)
            step = step_for(here.get(name), self._there(name), known, never_changes=never_changes(name))
            if step is not Step.NOTHING:
                steps.append((name, step))
        return sorted(steps, key=_turn)

    def _take(self, name: str, step: Step, here: str | None) -> None:
        actions: dict[Step, Callable[[str], None]] = {
            Step.UPLOAD: self._upload, Step.DOWNLOAD: self._download, Step.MERGE: self._merge,
            Step.DELETE_HERE: self._delete_here, Step.DELETE_THERE: self._delete_there,
        }  # fmt: skip
        with _here(self._data_dir):
            if step in actions:
                actions[step](name)
                return
            there = self._there(name)
            if step is Step.NOTE and here is not None and there is not None:
                self._known[name] = Known(here, there)
            elif step is Step.FORGET:
                self._known.pop(name, None)

    def _upload(self, name: str) -> None:
        path = self._data_dir / name
        here = version_of(path)  # from before, so that a change meanwhile is noticed next time
        if here is None:
            return
        self._store.put(name, path)
        stored = self._store.stat(name)
        if stored is not None:
            self._listed[name] = stored
            self._known[name] = Known(here, _version(stored))
            self.moved += 1

    def _download(self, name: str) -> None:
        there = self._there(name)
        try:
            data = self._store.read(name)
        except NotFoundError:  # removed elsewhere meanwhile
            return
        with _locked(self._data_dir / name):
            _write(self._data_dir / name, data)
        here = version_of(self._data_dir / name)
        if here is not None and there is not None:
            self._known[name] = Known(here, there)
            self.moved += 1

    def _merge(self, name: str) -> None:
        """Both have changed: the newer one counts. Of the index of versions what either has."""
        path = self._data_dir / name
        listed = self._listed[name]
        newer_here = path.stat().st_mtime > listed.modified_at_s
        if path.name in INDEXES:
            with _locked(path):
                _write(path, merged_index(path.read_bytes(), self._store.read(name), first_is_newer=newer_here))
            self._upload(name)
        elif newer_here:
            self._upload(name)
        else:
            self._download(name)

    def _delete_here(self, name: str) -> None:
        path = self._data_dir / name
        path.unlink(missing_ok=True)
        self._known.pop(name, None)
        with suppress(OSError):  # of a camera that is gone nothing is left but empty folders
            path.parent.rmdir()

    def _delete_there(self, name: str) -> None:
        self._store.delete(name)
        self._known.pop(name, None)

    def _there(self, name: str) -> str | None:
        listed = self._listed.get(name)
        return None if listed is None else _version(listed)

    def _store_id(self) -> str:
        """That of the store; a new one where it has none."""
        with suppress(NotFoundError, ValueError, KeyError, TypeError):
            return str(json.loads(self._store.read(MARKER, 0, 1000))["id"])
        store_id = secrets.token_hex(8)
        with _here(self._data_dir):
            self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            marker = self._data_dir / f"{MARKER}.part"
            marker.write_text(json.dumps({"id": store_id}))
            try:
                self._store.put(MARKER, marker)
            finally:
                marker.unlink(missing_ok=True)
        return store_id

    def _forget_lost_trees(self) -> None:
        """A folder that is missing as a whole was lost, not emptied: what it held comes back from the store."""
        for tree in TREES:
            if not (self._data_dir / tree).is_dir():
                self._known = {name: known for name, known in self._known.items() if not name.startswith(f"{tree}/")}

    def _save(self, store_id: str) -> None:
        with _here(self._data_dir):
            write_record(self._data_dir, store_id, self._known)


def merged_index(here: bytes, there: bytes, *, first_is_newer: bool) -> bytes:
    """Of two indexes of versions all that either lists; of a version in both, as the newer one has it."""
    older, newer = (_rows(there), _rows(here)) if first_is_newer else (_rows(here), _rows(there))
    rows = {str(row.get("id")): row for row in (*older, *newer)}
    return json.dumps(list(rows.values()), indent=1).encode()


def _rows(data: bytes) -> list[dict[str, object]]:
    try:
        rows = json.loads(data)
    except ValueError:
        return []
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _is_shared(listed: _Listed) -> bool:
    return rank_of(listed.path) is not None and 0 < listed.size <= _MOST_BYTES


def _version(listed: _Listed) -> str:
    return f"{listed.modified_at_s:.6f}-{listed.size}"


def _turn(one: tuple[str, Step]) -> tuple[bool, int, str]:
    name, step = one
    rank = rank_of(name) or 0
    deletes = step in _DELETING
    return deletes, -rank if deletes else rank, name


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        put_in_place(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Nobody changes the versions of the camera meanwhile (see `BankVersions`)."""
    folder = path.parent if path.name in INDEXES else path.with_suffix("")
    if not folder.is_dir():
        yield
        return
    with (folder / ".lock").open("w") as lock:
        deadline_s = time.monotonic() + _LOCK_WITHIN_S
        while not _taken(lock):
            if time.monotonic() > deadline_s:
                raise StorageError(f"the banks in {folder} are in use by another process: it is tried again")
            time.sleep(0.05)
        yield


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


@contextmanager
def _here(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"what is shared cannot be kept in {data_dir} ({error}): make room, or the folder writable"
        ) from None
