"""The supervisor stops on request, whatever else happens at that moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from patchwatch.bus.connection import connect_async
from patchwatch.contract.settings import Settings
from workers.ingest.supervisor import Supervisor


@pytest.mark.parametrize("turns", range(5))
async def test_a_change_at_the_moment_of_stopping_does_not_keep_it_running(
    make_settings: Callable[..., Settings], turns: int
) -> None:
    settings = make_settings()
    assert settings.redis_url
    async with connect_async(settings.redis_url.get_secret_value()) as client:
        supervisor = Supervisor(settings, client)
        task = asyncio.create_task(supervisor.run())
        await asyncio.sleep(0.1)
        supervisor._changed.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        supervisor.stop()
        done, _ = await asyncio.wait({task}, timeout=20)
        assert done
