"""Evidence goes by age and by size, what is kept stays, and confirmed anomalies go last."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from evidence_site import EvidenceSite

from patchwatch.bus import keys
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.alerts.evidence import EvidenceState, stored_name
from patchwatch.messages.alerts.verdict import AlertVerdicts, Statement, Verdict
from patchwatch.storage.storage import StoredFile
from workers.enrolment.evidence.retention import beyond, grouped, outdated

DAY_S = 86_400
HOUR_S = 3600


def stored(alert_id: str, size: int, at_s: float, *, kept: bool = False) -> list[StoredFile]:
    parts = [StoredFile(f"alerts/{alert_id}/{name}", size // 2, at_s) for name in ("clip.mp4", "manifest.json")]
    return parts + ([StoredFile(f"alerts/{alert_id}/keep", 0, at_s)] if kept else [])


def test_the_oldest_go_first_confirmed_ones_last_and_kept_ones_never() -> None:
    files = [*stored("a", 10, 1.0, kept=True), *stored("b", 10, 2.0), *stored("c", 10, 3.0), *stored("d", 10, 4.0)]
    evidence = grouped([*files, StoredFile("notes.txt", 5, 0.0), StoredFile("alerts/stray", 5, 0.0)])
    assert [one.alert_id for one in beyond(evidence, 30, frozenset())] == ["b"]
    assert [one.alert_id for one in beyond(evidence, 20, frozenset({"b"}))] == ["c", "d"]
    assert [one.alert_id for one in beyond(evidence, 0, frozenset({"b"}))] == ["c", "d", "b"]
    assert beyond(evidence, 40, frozenset()) == []


def test_what_is_too_old_goes_unless_it_is_kept() -> None:
    evidence = grouped([*stored("a", 10, 1.0, kept=True), *stored("b", 10, 2.0), *stored("c", 10, 50.0)])
    assert [one.alert_id for one in outdated(evidence, 60.0, 20.0)] == ["b"]


def _age(site: EvidenceSite, alert: Alert, days: float) -> None:
    at_s = time.time() - days * DAY_S
    for path in (Path(site.storage.place) / "alerts" / alert.id).iterdir():
        os.utime(path, (at_s, at_s))


def _pass(site: EvidenceSite, seconds: float) -> None:
    site.passed_s += seconds
    site.finish()


def _set_clocks(site: EvidenceSite, monkeypatch: pytest.MonkeyPatch, days: float) -> None:
    """Those of the host and of the Redis on it."""
    site.clock.at_ms += round(days * DAY_S * 1000)
    monkeypatch.setattr(time, "time", lambda: time.time_ns() / 1e9 + days * DAY_S)


def test_old_evidence_is_removed_and_its_record_says_why(site: EvidenceSite) -> None:
    old, confirmed, kept = (site.recorded() for _ in range(3))
    for alert in (old, confirmed, kept):
        _age(site, alert, 20)
    said = AlertVerdicts().followed_by(Statement(verdict=Verdict.ANOMALY, by="operator", at_ms=1))
    site.client.set(keys.alert_verdicts(confirmed.id), said.encode())
    (Path(site.storage.place) / stored_name(kept.id, "keep")).touch()
    site.restart()
    site.finish()
    _pass(site, HOUR_S)
    assert site.record(old).state is EvidenceState.MISSING
    assert site.record(old).reason == "its retention is over"
    assert not (Path(site.storage.place) / "alerts" / old.id).exists()
    assert {site.record(alert).state for alert in (confirmed, kept)} == {EvidenceState.READY}
    assert int(site.client.hget(keys.EVIDENCE_COUNTS, "removed")) == 1


def test_clocks_that_are_ahead_for_a_while_remove_nothing(site: EvidenceSite, monkeypatch: pytest.MonkeyPatch) -> None:
    young = site.recorded()
    _set_clocks(site, monkeypatch, 400)
    site.restart()
    site.finish()
    _pass(site, HOUR_S / 2)
    assert site.record(young).state is EvidenceState.READY, "ahead since the start"
    _set_clocks(site, monkeypatch, 0)
    for _ in range(2):
        _pass(site, HOUR_S)
    _set_clocks(site, monkeypatch, 400)
    _pass(site, HOUR_S)
    assert site.record(young).state is EvidenceState.READY, "ahead after a while"
    _pass(site, HOUR_S)
    assert site.record(young).state is EvidenceState.MISSING, "ahead for so long that it must be right"


def test_evidence_that_is_being_recorded_survives_clocks_that_are_ahead(
    site: EvidenceSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.film(8)
    alert = site.alert()
    site.film(2)
    with monkeypatch.context() as ahead:
        _set_clocks(site, ahead, 400)
        site.finisher.poll()
    site.film(1)
    alert = site.close(alert)
    site.film(6)
    site.finish()
    assert site.record(alert).state is EvidenceState.READY
