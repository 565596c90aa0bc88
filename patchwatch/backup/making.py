"""Makes a backup of an installation, which may run meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from patchwatch import __version__
from patchwatch.backup.archive_writer import ArchiveWriter, writing
from patchwatch.backup.key_kind import Part
from patchwatch.backup.manifest import NEVER_HELD, Manifest
from patchwatch.backup.snapshot import Snapshot
from patchwatch.backup.stored_files import StoredFiles, copied, pieces
from patchwatch.bus.connection import connect, translated
from patchwatch.contract.errors import NotFoundError
from patchwatch.contract.settings import Settings
from patchwatch.storage.storage import Storage, StoredFile

RECORDS, FILES = "records", "files"


@dataclass(frozen=True)
class Contents:
    """What a backup holds beside cameras with their accounts, alerts, settings, users, active and pinned banks, and
    what corrections add to these."""

    all_banks: bool = False
    memory: bool = False
    scores: bool = False
    evidence: bool = False

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(part for part in Part if part is not Part.SCORES or self.scores)

    @property
    def words(self) -> dict[str, bool]:
        """What may be held, and whether it is."""
        return {
            "all banks, not only active and pinned ones": self.all_banks,
            "what is remembered of normal": self.memory,
            "scores": self.scores,
            "evidence of alerts": self.evidence,
        }


def make_backup(settings: Settings, url: str, path: Path, contents: Contents) -> Manifest:
    """Write a backup of the installation whose Redis is at ``url``.

    Raises `ConflictError` where ``path`` exists, `RejectedError`, `StorageError` or `BusUnavailableError`.
    """
    with writing(path) as archive, connect(url) as client:
        snapshot, copies = Snapshot(client), _Copies(archive)
        with translated():
            snapshot.begin()
            for part in contents.parts:
                lines = (line.encode() for line in snapshot.lines(part))
                archive.add(f"{RECORDS}/{part}.jsonl", lines, packed=True)
        files = StoredFiles.from_settings(settings)
        copies.add_all(files.data, files.banks(all_versions=contents.all_banks))
        copies.add_all(files.data, files.memory(stretches=contents.memory))
        if contents.evidence:
            copies.add_all(files.evidence, files.kept_evidence())
        manifest = Manifest(
            patchwatch=__version__, made_at_ms=time.time_ns() // 1_000_000, partitions=settings.partitions,
            holds=tuple(word for word, held in contents.words.items() if held),
            not_held=(*(word for word, held in contents.words.items() if not held), *NEVER_HELD),
            rows=dict(snapshot.rows), unreadable=dict(+snapshot.unreadable), unknown_keys=snapshot.unknown,
            vanished=copies.vanished, files=tuple(archive.files),
        )  # fmt: skip
        archive.finish(manifest)
    return manifest


@dataclass
class _Copies:
    archive: ArchiveWriter
    vanished: int = field(default=0)

    def add_all(self, storage: Storage, files: Iterator[StoredFile]) -> None:
        for file in files:
            try:
                with copied(storage, file.path) as copy:
                    self.archive.add(f"{FILES}/{file.path}", pieces(copy), packed=file.path.endswith(".json"))
            except NotFoundError:  # removed meanwhile, as the oldest banks and stretches are
                self.vanished += 1
