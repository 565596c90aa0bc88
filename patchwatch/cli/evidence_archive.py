"""Checks an archive of evidence against the hashes in its manifest."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from patchwatch.contract.errors import InvalidMessageError, RejectedError
from patchwatch.messages.alerts.evidence import MANIFEST, MAX_MANIFEST_BYTES, EvidenceManifest
from patchwatch.storage.guarded_zip import DEFECTS, ZipLimits, agrees, read_bounded

_LIMITS = ZipLimits("evidence", entries=100, bytes=4 * 10**9)


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
    except DEFECTS as error:
        raise RejectedError(f"{path} is not a whole ZIP archive ({error}): fetch it again") from None


def _verify(archive: zipfile.ZipFile) -> Verification:
    names = archive.namelist()
    _LIMITS.check(archive)
    data = read_bounded(archive, MANIFEST, MAX_MANIFEST_BYTES)
    result = Verification(EvidenceManifest.decode(data), hashlib.sha256(data).hexdigest())
    parts = {part.name: part for part in result.manifest.parts}
    result.missing = sorted(parts.keys() - set(names))
    result.added = sorted({name for name in names if name not in parts and name != MANIFEST} | _repeated(names))
    result.changed = [
        name
        for name in sorted(parts.keys() & set(names))
        if not agrees(archive, name, parts[name].bytes, parts[name].sha256)
    ]
    return result


def _repeated(names: list[str]) -> set[str]:
    return {name for name in names if names.count(name) > 1}
