"""What operators said survives a crash of the queue."""

from __future__ import annotations

from pathlib import Path

from kept_queue import crash
from service_world import World

from patchwatch.bus.connection import connect_async
from patchwatch.contract.settings import Settings
from patchwatch.local_redis.kept_server import kept_queue
from patchwatch.messages.alerts.verdict import Statement, Verdict
from service.store import Store

WORD = Statement(verdict=Verdict.NORMAL, note="the cleaner", by="operator", at_ms=1_800_000_000_000)


async def test_a_verdict_survives_a_crash(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, queue_memory_mb=64)
    with kept_queue(settings) as queue:
        World(queue.url).alert(1000)
        bus = connect_async(queue.url)
        await Store.from_redis(bus, settings).verdicts.say("gate-1000", WORD)
        crash(queue)
        await bus.aclose()
    with kept_queue(settings) as queue:
        bus = connect_async(queue.url)
        store = Store.from_redis(bus, settings)
        assert [said.current for said in await store.verdicts.of(["gate-1000", "gate-2000"])] == [WORD, None]
        [record] = await store.statuses.read(["gate"])
        await bus.aclose()
    assert record.verdicts.normal == 1
