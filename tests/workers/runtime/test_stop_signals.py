"""SIGTERM ends a worker even when the cancellation of what it waits for is lost."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from deaf_redis import DeafRedis
from waiting import PATIENCE_S, eventually

from patchwatch.contract.settings import Settings
from workers.delivery import worker as delivery
from workers.ingest import worker as ingest


@pytest.fixture
def settings(bus_url: str, tmp_path: Path) -> Settings:
    return Settings(redis_url=bus_url, data_dir=tmp_path / "data", rtsp_port=0)


@pytest.mark.parametrize("module", [delivery, ingest], ids=["delivery", "ingest"])
@pytest.mark.parametrize("held", [True, False], ids=["in the middle of a call", "between calls"])
async def test_a_lost_cancellation_keeps_no_worker_running(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, module: Any, held: bool
) -> None:
    clients: list[DeafRedis] = []

    def connected(url: str, **_: Any) -> DeafRedis:
        clients.append(DeafRedis.at(url))
        return clients[0]

    monkeypatch.setattr(module, "connect_async", connected)
    monkeypatch.setattr("workers.ingest.supervisor._CANCEL_AGAIN_S", 3600.0)
    serving = asyncio.create_task(module.serve(settings))
    await eventually(lambda: clients and clients[0].calls > 10)
    if held:
        clients[0].hold = True
        async with asyncio.timeout(PATIENCE_S):
            await clients[0].held.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    done, _ = await asyncio.wait({serving}, timeout=30.0)
    assert done, "it works on"
    serving.result()
