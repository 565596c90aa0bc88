"""What the doctor says of the evidence of alerts."""

from __future__ import annotations

from pathlib import Path

from patchwatch.bus import keys
from patchwatch.bus.connection import connect
from patchwatch.contract.settings import Settings
from patchwatch.doctor.evidence import check_evidence
from patchwatch.messages.alerts.evidence import EvidenceStatus
from service.presentation.metrics import evidence_metrics, render


def _said(bus_url: str, folder: Path, status: EvidenceStatus | None, **settings: object) -> str:
    with connect(bus_url) as client:
        if status is not None:
            client.set(keys.EVIDENCE_STATUS, status.encode())
        known = Settings(data_dir=folder).changed(**settings)
        return "\n".join(f"{found.level}: {found.text}" for found in check_evidence(client, known))


def test_the_doctor_says_whether_evidence_is_stored(bus_url: str, tmp_path: Path) -> None:
    assert "is off" in _said(bus_url, tmp_path, None, evidence=False)
    assert "nothing is recorded yet" in _said(bus_url, tmp_path, None)
    whole = EvidenceStatus(updated_at_ms=1, place="s3://box", stored_bytes=7_000_000)
    assert "7 MB in s3://box" in _said(bus_url, tmp_path, whole)
    missing = whole.model_copy(update={"last_missing": "the spool was full"})
    assert "the spool was full" in _said(bus_url, tmp_path, missing)
    failing = whole.model_copy(update={"failing_since_ms": 1000, "waiting": 3, "last_error": "it is away"})
    assert "1970-01-01T00:00:01.000Z (3 of them, 0 MB), because it is away" in _said(bus_url, tmp_path, failing)
    assert "the disk will be full" in _said(bus_url, tmp_path, None, evidence_mb=90_000_000)


def test_the_metrics_say_what_was_stored_and_what_waits() -> None:
    status = EvidenceStatus(updated_at_ms=1, waiting=2, spool_bytes=10, failing_since_ms=1)
    text = render(evidence_metrics(status, {"ready": 5, "failed": 3})).decode()
    for line in (
        "patchwatch_evidence_ready_total 5.0", "patchwatch_evidence_failed_total 3.0",
        "patchwatch_evidence_waiting 2.0", "patchwatch_evidence_spool_bytes 10.0", "patchwatch_evidence_failing 1.0",
    ):  # fmt: skip
        assert line in text
    assert render(evidence_metrics(None, {})) == b""
