"""The evidence of alerts: whether it is recorded and stored, and whether its folder has room."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.stored_records import readable
from patchwatch.contract.errors import ConfigurationError
from patchwatch.contract.settings import Settings
from patchwatch.contract.timestamps import iso
from patchwatch.doctor.finding import Finding, fail, ok, warn
from patchwatch.messages.alerts.evidence import EvidenceStatus
from patchwatch.storage.opening import open_storage

_CHECK = "evidence"


def check_evidence(client: Any, settings: Settings) -> Iterator[Finding]:
    """What the recorder says of itself, and the place that is set. Raises redis-py's errors."""
    if not settings.evidence:
        yield ok(_CHECK, "no clips of alerts are kept, as PATCHWATCH_EVIDENCE is off")
        return
    try:
        place = open_storage(settings.evidence_url, settings.evidence_dir).place
    except ConfigurationError as error:
        yield fail(_CHECK, f"no clip of an alert is kept: {error}")
        return
    status = readable(EvidenceStatus.decode, client.get(keys.EVIDENCE_STATUS), "the status of evidence")
    yield ok(_CHECK, f"nothing is recorded yet; it will be kept in {place}") if status is None else _of(status)
    if settings.evidence_url is None:
        yield _room(settings, status.stored_bytes if status else 0)


def _of(status: EvidenceStatus) -> Finding:
    stored = f"{status.stored_bytes / 1e6:.0f} MB in {status.place}"
    if status.failing_since_ms is not None:
        return fail(
            _CHECK,
            f"clips wait in the spool since {iso(status.failing_since_ms)} ({status.waiting} of them, "
            f"{status.spool_bytes / 1e6:.0f} MB), because {status.last_error}",
        )
    if status.last_missing:
        return warn(_CHECK, f"of an alert there is none, because {status.last_missing}; {stored}")
    return ok(_CHECK, f"{stored}; {status.recording} alerts are recorded now")


def _room(settings: Settings, used: int) -> Finding:
    folder, most = settings.evidence_dir, settings.evidence_mb * 10**6
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    text = f"clips and pictures may take {most / 1e9:.1f} GB in {folder}, now {used / 1e9:.1f} GB"
    if most - used > free:
        return warn(
            _CHECK,
            f"the disk will be full before the evidence is: {text}, and {free / 1e9:.1f} GB are free; lower "
            "PATCHWATCH_EVIDENCE_MB, or make room",
        )
    return ok(_CHECK, text)
