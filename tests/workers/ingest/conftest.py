"""Fixtures of the ingest tests: settings with quick reconnects, a running worker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from ingest_rig import Rig, running

from patchwatch.contract.settings import Settings


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    return folder


@pytest.fixture
def make_settings(tmp_path: Path, media: Path, bus_url: str) -> Callable[..., Settings]:
    """Settings with quick reconnects; keyword arguments override."""

    def make(**overrides: object) -> Settings:
        chosen: dict[str, object] = {
            "redis_url": bus_url, "data_dir": tmp_path / "data", "media_dirs": str(media), "rtsp_port": 0,
            "adopt_publishers": "off", "reconnect_min_s": 0.2, "reconnect_max_s": 0.5, "source_timeout_s": 3.0,
        }  # fmt: skip
        return Settings(**(chosen | overrides))  # type: ignore[arg-type]

    return make


@pytest.fixture
async def rig(make_settings: Callable[..., Settings]) -> AsyncIterator[Rig]:
    async with running(make_settings()) as rig:
        yield rig
