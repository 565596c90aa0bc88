"""A real S3 server that is killed and comes back without its bucket: no evidence is lost, and the status says why."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from evidence_site import EvidenceSite
from s3_server import ENVIRONMENT, S3Server

from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.evidence import EvidenceState

BUCKET = "evidence"
_LONGEST_PAUSE_S = 91.0  # between two attempts


@pytest.fixture
def server() -> Iterator[S3Server]:
    server = S3Server()
    server.start()
    server.make_bucket(BUCKET)
    yield server
    server.kill()


@pytest.fixture
def site(evidence_settings: Settings, server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[EvidenceSite]:
    for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL": server.address}.items():
        monkeypatch.setenv(name, value)
    site = EvidenceSite(evidence_settings.changed(evidence_url=f"s3://{BUCKET}/site"))
    yield site
    site.client.close()


def later(site: EvidenceSite) -> None:
    """It is time for another attempt."""
    site.passed_s += _LONGEST_PAUSE_S
    site.finish()


def test_what_is_recorded_while_the_store_is_away_is_stored_once_it_is_back(
    site: EvidenceSite, server: S3Server
) -> None:
    assert site.record(site.recorded()).state is EvidenceState.READY
    server.kill()
    alerts = [site.recorded(), site.recorded()]
    assert {site.record(alert).state for alert in alerts} == {EvidenceState.RECORDING}
    facts = site.finisher.facts()
    assert facts["waiting"] == 2  # also between two attempts
    assert facts["failing_since_ms"] is not None
    assert "does not answer" in facts["last_error"]
    site.restart()  # the worker is killed, too
    later(site)
    alerts.append(site.recorded())

    server.start()
    later(site)
    assert "its bucket or container does not exist: create it" in site.finisher.facts()["last_error"]
    assert {site.record(alert).state for alert in alerts} == {EvidenceState.RECORDING}

    server.make_bucket(BUCKET)
    later(site)
    assert {site.record(alert).state for alert in alerts} == {EvidenceState.READY}
    for alert in alerts:
        kept = {part.name: part.sha256 for part in site.manifest(alert).parts}
        assert {"clip.mp4", "peak.jpg"} <= kept.keys()
        assert kept == {name: hashlib.sha256(site.part(alert, name)).hexdigest() for name in kept}
    assert site.spool.folders() == []
    facts = site.finisher.facts()
    assert (facts["waiting"], facts["failing_since_ms"], facts["last_error"]) == (0, None, "")
