"""The status of a camera's capture is written and erased by who holds its lease, and nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import redis.asyncio

from patchwatch.bus import keys
from patchwatch.bus.connection import connect_async
from patchwatch.bus.keys import CameraKeys, LeaseKeys
from patchwatch.messages.cameras.capture_status import CaptureState, CaptureStatus
from workers.ingest.capture_status_store import CaptureStatusStore
from workers.runtime.leases import Lease

DOOR, YARD = (Lease(LeaseKeys.for_capture(name, 16), f"me:{n}".encode()) for n, name in enumerate(("door", "yard"), 1))
OF_DOOR, OF_YARD = CameraKeys.for_camera("door", 16), CameraKeys.for_camera("yard", 16)


def status(camera_id: str, captured: int = 7) -> CaptureStatus:
    return CaptureStatus(camera_id=camera_id, state=CaptureState.LIVE, since_ms=1, updated_at_ms=2, captured=captured)


@pytest.fixture
async def client(bus_url: str) -> AsyncIterator[Any]:
    async with connect_async(bus_url) as client:
        for lease in (DOOR, YARD):
            await client.set(lease.unit.lease, lease.value, px=5000)
        yield client


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Awaitable[object]]], None]:
    """Something happens between the look at the leases and the first transaction."""

    def before_the_first(happens: Callable[[], Awaitable[object]]) -> None:
        execute = redis.asyncio.client.Pipeline.execute
        done: list[bool] = []

        async def late(self: Any, *arguments: Any, **options: Any) -> Any:
            if self.watching and not done:
                done.append(True)
                await happens()
            return await execute(self, *arguments, **options)

        monkeypatch.setattr(redis.asyncio.client.Pipeline, "execute", late)

    return before_the_first


async def test_what_is_written_is_read_by_the_next_owner(client: Any) -> None:
    ledger = CaptureStatusStore(client, 16)
    assert await ledger.read("door") is None
    await ledger.write({DOOR: status("door"), YARD: status("yard", 8)})
    stored = [await ledger.read(name) for name in ("door", "yard")]
    assert [status and status.captured for status in stored] == [7, 8]


@pytest.mark.parametrize("holder", ["other:2", "me:3", None])
async def test_a_camera_whose_lease_is_over_is_left_out_and_the_others_are_written(
    client: Any, holder: str | None
) -> None:
    await (client.set(DOOR.unit.lease, holder) if holder else client.delete(DOOR.unit.lease))
    await client.set(OF_DOOR.capture, "the other's")
    await CaptureStatusStore(client, 16).write({DOOR: status("door"), YARD: status("yard")})
    assert await client.get(OF_DOOR.capture) == b"the other's"
    assert await client.exists(OF_YARD.capture)


async def test_a_worker_that_falls_asleep_while_it_writes_overwrites_nothing(client: Any, meanwhile: Any) -> None:
    async def another_takes_over() -> None:
        await client.set(DOOR.unit.lease, "other:2")
        await client.set(OF_DOOR.capture, "the other's")

    meanwhile(another_takes_over)
    await CaptureStatusStore(client, 16).write({DOOR: status("door"), YARD: status("yard")})
    assert await client.get(OF_DOOR.capture) == b"the other's"
    assert await client.exists(OF_YARD.capture)


async def test_a_renewal_meanwhile_costs_nothing(client: Any, meanwhile: Any) -> None:
    meanwhile(lambda: client.pexpire(DOOR.unit.lease, 5000))
    await CaptureStatusStore(client, 16).write({DOOR: status("door")})
    assert await client.exists(OF_DOOR.capture)


async def test_a_removed_camera_is_erased_by_its_owner_alone(client: Any) -> None:
    await client.set(OF_DOOR.capture, "left over")
    await CaptureStatusStore(client, 16).erase(Lease(DOOR.unit, b"another:5"))
    assert await client.exists(OF_DOOR.capture)
    await CaptureStatusStore(client, 16).erase(DOOR)
    assert not await client.exists(OF_DOOR.capture)


async def test_a_camera_that_is_added_again_meanwhile_is_not_erased(client: Any, meanwhile: Any) -> None:
    async def added_again() -> None:
        await client.hset(keys.CAMERAS, "door", "{}")
        await client.set(OF_DOOR.capture, "new")

    meanwhile(added_again)
    await CaptureStatusStore(client, 16).erase(DOOR)
    assert await client.get(OF_DOOR.capture) == b"new"


async def test_nothing_to_write_asks_nothing_of_redis(client: Any) -> None:
    await client.aclose()
    await CaptureStatusStore(client, 16).write({})


async def test_many_statuses_are_written_in_parts(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.ingest.capture_status_store._WRITE_AT_ONCE", 1)
    before = (await client.info("commandstats")).get("cmdstat_exec", {"calls": 0})["calls"]
    await CaptureStatusStore(client, 16).write({DOOR: status("door"), YARD: status("yard", 8)})
    assert (await client.info("commandstats"))["cmdstat_exec"]["calls"] - before == 2
    assert await client.exists(OF_DOOR.capture, OF_YARD.capture) == 2
