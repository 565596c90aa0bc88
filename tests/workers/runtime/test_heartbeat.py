"""A heartbeat says who a worker is, and expires by itself."""

from __future__ import annotations

import os

from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import connect, connect_async
from patchwatch.contract.roles import Role
from patchwatch.messages.heartbeat import Heartbeat
from workers.runtime.heartbeat import HeartbeatWriter


async def test_it_is_written_by_either_client_or_a_pipeline(bus_url: str) -> None:
    writer = HeartbeatWriter(Role.INFERENCE, "host-1", BusClock())
    assert writer.key == "pw:worker:inference:host-1"
    with connect(bus_url) as client:
        writer.write(client, cameras=3)
        first = Heartbeat.decode(client.get(writer.key))
        assert 0 < client.ttl(writer.key) <= 10
        with client.pipeline() as pipe:
            writer.write(pipe, device="cuda:0")
            pipe.execute()
        second = Heartbeat.decode(client.get(writer.key))
        client.delete(writer.key)
    assert (first.role, first.pid, first.cameras) == ("inference", os.getpid(), 3)
    assert (second.device, second.started_at_ms) == ("cuda:0", first.started_at_ms)
    async with connect_async(bus_url) as asking:
        await writer.write(asking)
        assert await asking.exists(writer.key)
