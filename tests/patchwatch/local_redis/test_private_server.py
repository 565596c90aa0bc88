"""An own queue answers as Patchwatch needs it to."""

from __future__ import annotations

import time

import pytest
import redis
from waiting import stretched

from patchwatch.bus.connection import connect, connect_async, ping, translated
from patchwatch.contract.errors import BusUnavailableError


def test_entry_ids_must_rise(bus_url: str) -> None:
    with connect(bus_url) as client:
        client.xadd("s", {"a": b"\x00\r\n\xff"}, id="7-0")
        with pytest.raises(redis.ResponseError, match="equal or smaller"):
            client.xadd("s", {"a": b"again"}, id="7-0")
        assert client.xrange("s") == [(b"7-0", {b"a": b"\x00\r\n\xff"})]


def test_a_watched_key_aborts_the_transaction(bus_url: str) -> None:
    with connect(bus_url) as client, connect(bus_url) as other, client.pipeline() as pipe:
        client.set("lease", "me")
        pipe.watch("lease")
        other.set("lease", "you")
        pipe.multi()
        pipe.set("result", 1)
        with pytest.raises(redis.WatchError):
            pipe.execute()
        assert client.get("result") is None


def test_a_transaction_is_quick(bus_url: str) -> None:
    """With Nagle's algorithm on, 50 transactions of the embedded server took over two seconds."""
    with connect(bus_url) as client:
        started = time.monotonic()
        for n in range(1, 51):
            with client.pipeline(transaction=True) as pipe:
                pipe.xadd("s", {"v": n}, id=f"{n}-0")
                pipe.hset("h", mapping={"a": n, "b": n})
                pipe.xtrim("s", minid=f"{n}-0", approximate=False)
                pipe.execute()
        assert time.monotonic() - started < stretched(1.5)
        assert client.xlen("s") == 1


async def test_a_blocking_read_wakes_on_another_clients_entry(bus_url: str) -> None:
    async with connect_async(bus_url) as client, connect_async(bus_url) as other:
        await other.xadd("a", {"v": 1}, id="1-0")
        answer = await client.xread({"a": "0", "b": "0"}, block=500)
        assert answer == [[b"a", [(b"1-0", {b"v": b"1"})]]]


def test_an_absent_server_is_a_clear_error_without_the_password() -> None:
    with pytest.raises(BusUnavailableError, match="PATCHWATCH_REDIS_URL") as caught:
        ping("redis://user:secret@127.0.0.1:1/0")
    assert "secret" not in str(caught.value)
    with pytest.raises(BusUnavailableError), translated():
        raise redis.exceptions.OutOfMemoryError("maxmemory")
