"""A site for the upkeep, on a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from upkeep_site import UpkeepSite

from patchwatch.bus.connection import connect
from patchwatch.contract.settings import Settings


@pytest.fixture
def upkeep(bus_url: str, tmp_path: Path) -> Iterator[UpkeepSite]:
    client: Any = connect(bus_url)
    yield UpkeepSite(client, Settings(redis_url=bus_url, data_dir=tmp_path))
    client.close()
