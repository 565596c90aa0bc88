"""Checks an archive of evidence against the hashes in its manifest."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from patchwatch.contract.errors import InvalidMessageError, RejectedError
from patchwatch.messages.alerts.evidence import MANIFEST, MAX_MANIFEST_BYTES, EvidenceManifest, EvidencePart

_CHUNK = 1 << 20
_MOST_BYTES = 4 * 10**9
_MOST_ENTRIES = 100
_DEFECTS = (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, RuntimeError, OSError)


@dataclass
class Verification:
    """``manifest_sha256``: compare it with what the service says, to know that the manifest itself is unchanged."""

    manifest: EvidenceManifest
    manifest_sha256: str
    changed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return not (self.changed or self.missing or self.added)


def verify(path: Path) -> Verification:
    """Compare every part with its hash. Raises `RejectedError` for what is no archive of evidence."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _verify(archive)
    except FileNotFoundError:
        raise RejectedError(f"there is no file {path}") from None
    except KeyError:
        raise RejectedError(f"{path} is no evidence: it has no {MANIFEST}") from None
    except InvalidMessageError as error:
        raise RejectedError(f"{path}: its {MANIFEST} was changed or is of a newer version ({error})") from None
    except _DEFECTS as error:
        raise RejectedError(f"{path} is not a whole ZIP archive ({error}): fetch it again") from None


def _verify(archive: zipfile.ZipFile) -> Verification:
    names = archive.namelist()
    if len(names) > _MOST_ENTRIES:
        raise ValueError(f"{len(names)} entries, where evidence has a few")
    # Of other methods zipfile unpacks in one piece, however little is read.
    if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in archive.infolist()):
        raise ValueError("entries that are packed in another way than evidence is")
    if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
        raise ValueError(f"more than {_MOST_BYTES // 10**9} GB unpacked, where evidence has some MB")
    data = _manifest_bytes(archive)
    result = Verification(EvidenceManifest.decode(data), hashlib.sha256(data).hexdigest())
    parts = {part.name: part for part in result.manifest.parts}
    result.missing = sorted(parts.keys() - set(names))
    result.added = sorted({name for name in names if name not in parts and name != MANIFEST} | _repeated(names))
    result.changed = [name for name in sorted(parts.keys() & set(names)) if not _agrees(archive, parts[name])]
    return result


def _repeated(names: list[str]) -> set[str]:
    return {name for name in names if names.count(name) > 1}


def _manifest_bytes(archive: zipfile.ZipFile) -> bytes:
    with archive.open(MANIFEST) as file:
        data = file.read(MAX_MANIFEST_BYTES + 1)
    if len(data) > MAX_MANIFEST_BYTES:
        raise ValueError(f"{MANIFEST} is too long")
    return data


def _agrees(archive: zipfile.ZipFile, part: EvidencePart) -> bool:
    if archive.getinfo(part.name).file_size != part.bytes:
        return False
    digest = hashlib.sha256()
    try:
        with archive.open(part.name) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except zipfile.BadZipFile:  # its own, weaker check found it first
        return False
    return digest.hexdigest() == part.sha256
