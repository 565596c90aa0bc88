"""The two threads that record and store evidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patchwatch.bus.clock import BusClock
from patchwatch.contract.settings import Settings
from patchwatch.storage.opening import open_storage
from workers.enrolment.evidence.finisher import EvidenceFinisher
from workers.enrolment.evidence.recorder import EvidenceRecorder
from workers.enrolment.evidence.spool import Spool
from workers.enrolment.polling_thread import PollingThread


def evidence_threads(
    settings: Settings, client: Any, clock: BusClock, tenure: Callable[[], bytes | None]
) -> list[PollingThread]:
    """None where evidence is switched off. ``tenure``: as of `EvidenceRecorder`.

    Raises `ConfigurationError` for an address that is not one of a store."""
    if not settings.evidence:
        return []
    spool = Spool(settings.evidence_spool_dir, settings.evidence_spool_mb * 10**6)
    storage = open_storage(settings.evidence_url, settings.evidence_dir)
    finisher = EvidenceFinisher(settings, client, spool, storage, clock=clock)
    return [finisher.thread, EvidenceRecorder(settings, client, spool, finisher, tenure, clock).thread]
