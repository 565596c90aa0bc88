"""Webhooks of several workers, and of a Redis that was away or lost what it had."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
import redis
from delivery_world import World
from receiver import OK, receiving
from redis_process import RedisProcess

from patchwatch.bus import keys
from patchwatch.bus.keys import LeaseKeys
from patchwatch.bus.writes import transact_async
from patchwatch.messages.heartbeat import Heartbeat


async def test_of_two_workers_one_delivers_and_the_other_takes_over(world: Any, running: Any, eventually: Any) -> None:
    async with receiving() as receiver:
        world.webhook(receiver.url)
        async with running():
            async with running():
                ids = [world.alert(number) for number in range(100)]
                await eventually(lambda: world.progress().delivered == 100)
            ids += [world.alert(number) for number in range(100, 110)]
            await eventually(lambda: world.progress().delivered == 110)
    assert receiver.ids == [f"home_{entry_id}" for entry_id in ids]


async def test_a_worker_that_lost_its_lease_records_nothing(world: Any, running: Any, eventually: Any) -> None:
    reached, goes_on = asyncio.Event(), asyncio.Event()

    async def waits(writer: asyncio.StreamWriter) -> None:
        reached.set()
        await goes_on.wait()
        writer.write(OK)
        await writer.drain()

    async with receiving(OK, waits) as receiver, running(webhook_timeout_s=20.0):
        world.webhook(receiver.url)
        world.alert(1)
        await reached.wait()
        world.bus.set(LeaseKeys.for_webhook("home").lease, "another:1", px=1500)
        goes_on.set()
        await eventually(lambda: len(receiver.requests) == 2)  # ours again, once that one expired
        await eventually(lambda: world.progress().delivered == 1)
    assert len(set(receiver.ids)) == 1
    assert world.progress().delivered == 1


async def test_a_record_whose_answer_was_lost_is_neither_repeated_nor_lost(
    world: Any, running: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[bool] = []

    async def loses_every_third_answer(*arguments: Any, **options: Any) -> Any:
        recorded = await transact_async(*arguments, **options)
        lost.append(len(lost) % 3 == 2)
        if lost[-1]:
            raise redis.ConnectionError("Connection closed by server.")
        return recorded

    monkeypatch.setattr("workers.delivery.receiver_outbox.transact_async", loses_every_third_answer)
    async with receiving() as receiver, running():
        world.webhook(receiver.url)
        ids = [f"home_{world.alert(number)}" for number in range(9)]
        await eventually(lambda: world.progress().delivered >= 9)
    assert receiver.ids == ids
    assert sum(lost) == 3


async def test_a_redis_that_dies_and_returns_empty_is_survived(running: Any, eventually: Any, tmp_path: Path) -> None:
    server = RedisProcess(tmp_path)
    world = World(server.client)
    server.start()
    try:
        async with receiving() as receiver, running(redis_url=server.url):
            world.webhook(receiver.url)
            world.alert(1)
            await eventually(lambda: world.progress().delivered == 1)
            server.kill()
            server.start()
            await eventually(lambda: world.bus.hexists(keys.WEBHOOKS, "home"))
            entry_id = world.alert(2)
            await eventually(lambda: world.progress().delivered == 1)
            assert receiver.ids[-1] == f"home_{entry_id}"
    finally:
        server.close()


async def test_after_a_flushed_redis_webhooks_are_put_back(world: Any, running: Any, eventually: Any) -> None:
    async with receiving() as receiver, running():
        webhook = world.webhook(receiver.url)
        world.alert(1)
        await eventually(lambda: world.progress().delivered == 1)
        world.bus.flushall()
        entry_id = world.alert(2)
        await eventually(lambda: world.progress().delivered == 1)
        assert world.stored() == webhook
    assert set(receiver.ids[1:]) == {f"home_{entry_id}"}


async def test_the_clock_of_its_host_has_no_say(
    world: Any, running: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = time.time_ns
    monkeypatch.setattr("patchwatch.bus.clock.time.time_ns", lambda: honest() + 3_600 * 10**9)

    def beat() -> Heartbeat | None:
        names = list(world.bus.scan_iter(keys.worker("delivery", "*")))
        return Heartbeat.decode(world.bus.get(names[0])) if names else None

    async with running():
        told = await eventually(beat)
    assert abs(honest() // 1_000_000 - told.updated_at_ms) < 60_000
