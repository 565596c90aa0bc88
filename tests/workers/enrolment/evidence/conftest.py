"""A site that records evidence in a folder of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from evidence_site import EvidenceSite

from patchwatch.contract.settings import Settings


@pytest.fixture
def evidence_settings(bus_url: str, tmp_path: Path) -> Settings:
    return Settings(redis_url=bus_url, data_dir=tmp_path / "data", evidence_spool_mb=10)


@pytest.fixture
def site(evidence_settings: Settings) -> Iterator[EvidenceSite]:
    site = EvidenceSite(evidence_settings)
    yield site
    site.client.close()
