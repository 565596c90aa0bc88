"""XINFO of a stream that does not exist is None; every other refusal is an error."""

from __future__ import annotations

import pytest
import redis

from patchwatch.bus.connection import connect, connect_async
from patchwatch.bus.streams import entry_ms, entry_order, stream_info, stream_info_async


def test_ids_are_ordered_by_both_of_their_parts() -> None:
    assert entry_ms("17-2") == 17
    assert sorted(["9-10", "10-0", "9-9"], key=entry_order) == ["9-9", "9-10", "10-0"]


async def test_a_stream_is_described_with_what_was_trimmed(bus_url: str) -> None:
    with connect(bus_url) as client:
        for number in range(1, 5):
            client.xadd("s", {"a": number}, id=f"{number}-0", maxlen=2, approximate=False)
        info = stream_info(client, "s")
    assert info is not None
    assert (info.length, info.added, info.last_id) == (2, 4, "4-0")
    assert (info.first_entry, info.last_entry) == ((b"3-0", {b"a": b"3"}), (b"4-0", {b"a": b"4"}))
    async with connect_async(bus_url) as client:
        assert await stream_info_async(client, "s") == info
        assert await stream_info_async(client, "missing") is None


async def test_what_is_no_stream_is_an_error(bus_url: str) -> None:
    with connect(bus_url) as client:
        assert stream_info(client, "missing") is None
        client.set("text", "x")
        with pytest.raises(redis.ResponseError):
            stream_info(client, "text")
    async with connect_async(bus_url) as asking:
        with pytest.raises(redis.ResponseError):
            await stream_info_async(asking, "text")
