"""How the evidence of an alert is: what is written of it in Redis."""

from __future__ import annotations

import logging
from typing import Any

from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.evidence import EvidenceRecord, EvidenceState
from workers.runtime.alert_records import lifetime_s

log = logging.getLogger(__name__)


def note_recording(client: Any, settings: Settings, alert_id: str, now_ms: int) -> None:
    """It has begun. Raises redis-py's errors, as do the others."""
    with client.pipeline(transaction=True) as pipe:
        _queue(pipe, settings, EvidenceRecord(alert_id=alert_id, state=EvidenceState.RECORDING, updated_at_ms=now_ms))
        pipe.sadd(keys.EVIDENCE_RECORDING, alert_id)
        pipe.execute()


def note_ready(client: Any, settings: Settings, alert_id: str, notes: str, now_ms: int) -> None:
    """It is stored. ``notes``: what somebody should know of it."""
    state = EvidenceState.READY
    record = EvidenceRecord(alert_id=alert_id, state=state, updated_at_ms=now_ms, reason=notes)
    _end(client, settings, record, "ready")


def note_missing(
    client: Any, settings: Settings, alert_id: str, reason: str, now_ms: int, count: str = "missing"
) -> None:
    """There is none, or none any more. ``count``: what it counts as."""
    log.warning("there is no evidence of alert %s: %s", alert_id, reason)
    state = EvidenceState.MISSING
    record = EvidenceRecord(alert_id=alert_id, state=state, updated_at_ms=now_ms, reason=reason)
    _end(client, settings, record, count)


def _end(client: Any, settings: Settings, record: EvidenceRecord, count: str) -> None:
    with client.pipeline(transaction=True) as pipe:
        _queue(pipe, settings, record)
        pipe.srem(keys.EVIDENCE_RECORDING, record.alert_id)
        pipe.hincrby(keys.EVIDENCE_COUNTS, count, 1)
        pipe.execute()


def _queue(pipe: Any, settings: Settings, record: EvidenceRecord) -> None:
    kept_s = lifetime_s(settings.alert_retention_days)
    pipe.set(keys.alert_evidence(record.alert_id), record.encode(), ex=kept_s)
