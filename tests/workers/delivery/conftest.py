"""Fixtures of the delivery tests: a world of webhooks and alerts, and workers that deliver with small pauses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
import redis
from delivery_world import World
from waiting import PATIENCE_S, eventually

from patchwatch.bus.connection import connect_async
from patchwatch.contract.settings import Settings
from workers.delivery.worker import DeliveryWorker

Running = Callable[..., AbstractAsyncContextManager[DeliveryWorker]]


@pytest.fixture
def world(bus_url: str) -> Iterator[World]:
    with redis.Redis.from_url(bus_url) as bus:
        yield World(bus)


@pytest.fixture
def settings(bus_url: str) -> Settings:
    return Settings(
        redis_url=bus_url, webhook_reach="loopback", webhook_timeout_s=1.0, webhook_retry_min_s=0.02,
        webhook_retry_max_s=0.1, webhook_attempts=3,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of this process see changes soon."""
    for period in ("worker._POLL_S", "delivery_loop.POLL_S", "receiver_loop._RETRY_S"):
        monkeypatch.setattr(f"workers.delivery.{period}", 0.1)
    monkeypatch.setattr("workers.runtime.leases._ROUND_S", 0.1)


@pytest.fixture
def running(settings: Settings) -> Running:
    """A worker in this process while the context lasts; keyword arguments override its settings."""

    @asynccontextmanager
    async def run(**overrides: Any) -> AsyncIterator[DeliveryWorker]:
        chosen = settings.changed(**overrides)
        assert chosen.redis_url is not None
        async with connect_async(chosen.redis_url.get_secret_value()) as client:
            worker = DeliveryWorker(chosen, client)
            task = asyncio.create_task(worker.run())
            try:
                yield worker
            finally:
                worker.stop()
                done, _ = await asyncio.wait({task}, timeout=PATIENCE_S)
                assert done, "the worker does not stop"
                task.result()

    return run


@pytest.fixture(name="eventually")
def _eventually() -> Callable[..., Any]:
    return eventually
