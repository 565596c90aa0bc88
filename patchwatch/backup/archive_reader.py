"""Reads a backup that may be damaged, of another version, or made to do harm."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from patchwatch.backup.key_kind import KeyKind, Part, Row
from patchwatch.backup.key_table import kinds_by_template
from patchwatch.backup.making import FILES, RECORDS
from patchwatch.backup.manifest import MAX_BYTES, NAME, Manifest, PackedFile
from patchwatch.backup.record_line import MAX_LINE_BYTES, RecordLine
from patchwatch.backup.stored_files import is_file_of_ours
from patchwatch.contract.errors import InvalidMessageError, NewerMessageError, RejectedError
from patchwatch.storage.guarded_zip import DEFECTS, ZipLimits, agrees, read_bounded

_MOST_ENTRIES = 500_000
_MOST_PACKED = 200  # times: text of records becomes a tenth, what becomes less was made to fill a disk
_LEAST_LIMIT = 256 * 2**20
_CHUNK = 8 * 2**20


@dataclass(frozen=True)
class BackupArchive:
    """A backup whose every part is as its manifest says, and whose every record can be read. Use `opened`."""

    path: Path
    manifest: Manifest
    _archive: zipfile.ZipFile

    def lines(self) -> Iterator[tuple[KeyKind, RecordLine, list[Row]]]:
        """All records, in the order of `Part`. Raises `RejectedError`, and `NewerMessageError` for a record that only
        a later version can read."""
        for part in Part:
            name = f"{RECORDS}/{part}.jsonl"
            if any(file.name == name for file in self.manifest.files):
                yield from self._lines(name, part)

    def _lines(self, name: str, part: Part) -> Iterator[tuple[KeyKind, RecordLine, list[Row]]]:
        with self._archive.open(name) as file:
            while line := file.readline(MAX_LINE_BYTES + 1):
                if len(line) > MAX_LINE_BYTES:
                    raise RejectedError(f"{name} has a line that is too long")
                record = RecordLine.decode(line)
                kind = kinds_by_template().get(record.kind)
                if kind is None or kind.part is not part:
                    raise RejectedError(f"{name} holds {record.kind!r}, which is no kind of key there")
                yield kind, record, record.values()

    @property
    def files(self) -> list[PackedFile]:
        """Of the data folder and of the evidence, by their names there, in the order in which they may appear."""
        return [
            file.model_copy(update={"name": file.name.removeprefix(f"{FILES}/")})
            for file in self.manifest.files
            if file.name.startswith(f"{FILES}/")
        ]

    def pieces(self, path: str) -> Iterator[bytes]:
        """A file, piece by piece."""
        with self._archive.open(f"{FILES}/{path}") as file:
            while piece := file.read(_CHUNK):
                yield piece


@contextmanager
def opened(path: Path) -> Iterator[BackupArchive]:
    """A backup, checked whole. Raises `RejectedError` for what is none, is damaged or was made by a later version."""
    with ExitStack() as stack:
        with _defects(path):
            archive = stack.enter_context(zipfile.ZipFile(path))
            backup = BackupArchive(path, _checked_manifest(path, archive), archive)
            _check_records(backup)
        yield backup


@contextmanager
def _defects(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise RejectedError(f"there is no file {path}") from None
    except NewerMessageError as error:
        raise RejectedError(f"{path} was made by a later version of Patchwatch ({error}): install that one") from None
    except RejectedError as error:
        raise RejectedError(f"{path} cannot be used: {error}") from None
    except DEFECTS as error:
        raise RejectedError(f"{path} is no whole backup ({error}): take another one") from None


def _checked_manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    limit = max(path.stat().st_size * _MOST_PACKED, _LEAST_LIMIT)
    ZipLimits("a backup", _MOST_ENTRIES, limit).check(archive)
    names = archive.namelist()
    if NAME not in names:
        raise ValueError(f"it has no {NAME}")
    try:
        manifest = Manifest.decode(read_bounded(archive, NAME, MAX_BYTES))
    except NewerMessageError:
        raise
    except InvalidMessageError as error:
        raise ValueError(f"its {NAME} cannot be read: {error}") from None
    manifest.check_version()
    if len(set(names)) != len(names) or {file.name for file in manifest.files} != set(names) - {NAME}:
        raise ValueError(f"its {NAME} lists other files than it has")
    for file in manifest.files:
        if not _may_be_held(file.name):
            raise ValueError(f"it holds {file.name[:100]!r}, which is nothing of ours")
        if not agrees(archive, file.name, file.bytes, file.sha256):
            raise ValueError(f"{file.name} is not as it was written")
    return manifest


def _may_be_held(name: str) -> bool:
    if name.startswith(f"{FILES}/"):
        return is_file_of_ours(name.removeprefix(f"{FILES}/"))
    return name in {f"{RECORDS}/{part}.jsonl" for part in Part}


def _check_records(backup: BackupArchive) -> None:
    """What cannot be read for another reason than its version was damaged when it was stored, and stays as it is."""
    for kind, record, rows in backup.lines():
        kind.key(record.names, 1)
        for row in rows:
            if not kind.type.fits(row):
                raise ValueError(f"a value of {kind.template} has the wrong form")
            try:
                kind.read(row)
            except NewerMessageError:
                raise
            except InvalidMessageError:
                continue
