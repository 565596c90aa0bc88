"""Makes an installation of a backup: one that is empty, or in the place of what is there."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patchwatch.backup.archive_reader import BackupArchive, opened
from patchwatch.backup.key_table import FENCES, known_key
from patchwatch.backup.making import Contents, make_backup
from patchwatch.backup.manifest import Manifest
from patchwatch.backup.record_writer import RecordWriter
from patchwatch.backup.stored_files import StoredFiles, is_evidence
from patchwatch.bus import keys
from patchwatch.bus.connection import admit, connect, translated
from patchwatch.contract.errors import ConflictError, InvalidMessageError, StorageError
from patchwatch.contract.settings import Settings
from patchwatch.contract.timestamps import iso
from patchwatch.messages.heartbeat import Heartbeat
from patchwatch.storage.storage import Storage

FOLDER = "backups"  # of the data folder: what was there before it was replaced
_SCANNED = 1000
_REMOVED = 500
_SPARE_BYTES = 64 * 2**20
_WORKERS = "pw:worker:*"
FORGOTTEN_WITHIN_S = 12.0  # a heartbeat expires after ten
_LOOK_EVERY_S = 0.5


@dataclass
class Restored:
    """What came of it. ``before``: the backup of what was there. ``expired``: rows that would have gone by now."""

    manifest: Manifest
    before: Path | None = None
    files: int = 0
    written: Counter[str] = field(default_factory=Counter)
    expired: Counter[str] = field(default_factory=Counter)


def restore(settings: Settings, url: str, path: Path, *, replace: bool) -> Restored:
    """Restore a backup into the Redis at ``url``, the data folder and the store of evidence.

    It is checked whole before anything is changed. What ends in the middle leaves a mark, with which no role starts,
    and is done anew by the next call.

    Raises `ConflictError` for an installation that runs, or that is not empty without ``replace``; `RejectedError`,
    `StorageError`, `BusUnavailableError`, `ConfigurationError`.
    """
    with opened(path) as backup, connect(url) as client:
        worth_keeping = _check_target(client, settings, replace=replace)
        _check_room(settings, backup)
        result = Restored(backup.manifest)
        if worth_keeping:
            result.before = _keep_what_is_there(settings, url)
        with translated():
            client.set(keys.RESTORING, f"{path.name} since {iso(_now_ms())}")
            _empty(client)
        _remove_files(settings)
        admit(url, settings.partitions, restoring=True)
        result.files = _restore_files(backup, StoredFiles.on_this_host(settings))
        writer = RecordWriter(client, settings.partitions)
        for kind, record, rows in backup.lines():
            writer.add(kind, record, rows)
        writer.flush()
        with translated():
            client.delete(keys.RESTORING)
        result.written, result.expired = writer.written, writer.expired
    return result


def _check_target(client: Any, settings: Settings, *, replace: bool) -> bool:
    """Whether anything is there that is worth keeping: not what an earlier restore left that ended in the middle."""
    with translated():
        if workers := _workers(client):
            raise ConflictError(f"the installation runs ({', '.join(workers[:5])}): stop all its roles first")
        begun = bool(client.exists(keys.RESTORING))
        held = next((key for key in map(_text, _keys(client)) if known_key(key) is not None), None)
    banks = next((file.path for file in StoredFiles.on_this_host(settings).banks(all_versions=True)), None)
    if (held or banks) and not (replace or begun):
        raise ConflictError(
            f"the installation is not empty ({held or banks}): restore with --replace, which makes a backup of it "
            "first, or name an empty one with PATCHWATCH_DATA_DIR and PATCHWATCH_REDIS_URL"
        )
    return bool(held or banks) and not begun


def _workers(client: Any) -> list[str]:
    """The roles that are alive, with their hosts and processes. Those that have just ended are forgotten in a while,
    which is waited for; one that writes meanwhile is alive."""
    deadline_s = time.monotonic() + FORGOTTEN_WITHIN_S
    first = beats = _heartbeats(client)
    while beats and all(first.get(key) == beat for key, beat in beats.items()) and time.monotonic() < deadline_s:
        time.sleep(_LOOK_EVERY_S)
        beats = _heartbeats(client)
    return sorted(_in_words(key, beat) for key, beat in beats.items())


def _heartbeats(client: Any) -> dict[bytes, bytes]:
    found = ((key, client.get(key)) for key in client.scan_iter(match=_WORKERS, count=_SCANNED))
    return {key: beat for key, beat in found if beat is not None}


def _in_words(key: bytes, data: bytes) -> str:
    try:
        beat = Heartbeat.decode(data)
    except InvalidMessageError:
        return _text(key)
    return f"{beat.role} on {beat.host}, process {beat.pid}"


def _check_room(settings: Settings, backup: BackupArchive) -> None:
    """Raises `StorageError` where the files do not fit the disk of the data folder."""
    needed = sum(file.bytes for file in backup.files if not is_evidence(file.name)) + _SPARE_BYTES
    with _local_disk(settings):
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        free = shutil.disk_usage(settings.data_dir).free
    if free < needed:
        raise StorageError(
            f"{settings.data_dir} has {free // 2**20} MB of room, and the backup needs {needed // 2**20}: make room, "
            "or set PATCHWATCH_DATA_DIR"
        )


def _keep_what_is_there(settings: Settings, url: str) -> Path:
    """A backup of all but evidence, which stays where it is."""
    stamp = re.sub(r"[^0-9TZ]", "", iso(_now_ms()))
    folder = settings.data_dir / FOLDER
    with _local_disk(settings):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"before-restore-{stamp}.zip"
    make_backup(settings, url, path, Contents(all_banks=True, memory=True, scores=True))
    return path


def _empty(client: Any) -> None:
    """Remove all keys but the mark, and the tokens by which a worker that stood still is told from those after it."""
    going = [key for key in _keys(client) if not _stays(_text(key))]
    for start in range(0, len(going), _REMOVED):
        client.delete(*going[start : start + _REMOVED])


def _stays(key: str) -> bool:
    return key == keys.RESTORING or any(fence.fullmatch(key) for fence in FENCES)


def _keys(client: Any) -> Iterator[bytes]:
    yield from client.scan_iter(match="pw:*", count=_SCANNED)


def _text(key: bytes) -> str:
    return key.decode(errors="replace")


def _remove_files(settings: Settings) -> None:
    """Banks and memory; evidence is of alerts that may come back."""
    here = StoredFiles.on_this_host(settings)
    for file in [*here.banks(all_versions=True), *here.memory(stretches=True)]:
        here.data.delete(file.path)


def _restore_files(backup: BackupArchive, files: StoredFiles) -> int:
    count = 0
    for file in backup.files:
        storage: Storage = files.evidence if is_evidence(file.name) else files.data
        with tempfile.NamedTemporaryFile(prefix="patchwatch-") as copy:
            for piece in backup.pieces(file.name):
                copy.write(piece)
            copy.flush()
            storage.put(file.name, Path(copy.name))
        count += 1
    return count


@contextmanager
def _local_disk(settings: Settings) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{settings.data_dir} cannot be used ({error.strerror or error}): correct its permissions, or set "
            "PATCHWATCH_DATA_DIR"
        ) from None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
