"""Whatever a Redis refuses for now is `BusUnavailableError`, on its own and in a transaction; a defect stays one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from patchwatch.bus.connection import connect, connect_async, translated
from patchwatch.contract.errors import BusFullError, BusUnavailableError


@pytest.fixture(name="url")
def _url(bus_url: str) -> str:
    return bus_url


def _full(client: redis.Redis, folder: Path) -> None:
    client.config_set("maxmemory", "1mb")


def _read_only(client: redis.Redis, folder: Path) -> None:
    client.replicaof("127.0.0.1", "1")


def _lonely(client: redis.Redis, folder: Path) -> None:
    client.config_set("min-replicas-to-write", 1)


def _unable_to_save(client: redis.Redis, folder: Path) -> None:
    (folder / "dump.rdb").mkdir()
    client.config_set("save", "3600 1")
    client.bgsave()
    deadline_s = time.monotonic() + 10
    while client.info("persistence")["rdb_last_bgsave_status"] != "err":
        assert time.monotonic() < deadline_s


def _held_up(client: redis.Redis, folder: Path) -> None:
    client.config_set("busy-reply-threshold", 1)
    other = connect(f"unix://{folder}/redis.sock")
    connection = other.connection_pool.get_connection()
    connection.send_command("EVAL", "while true do end", "0")  # type: ignore[no-untyped-call]  # its answer is not waited for


def _kill_script(client: redis.Redis) -> None:
    """It ends at its next look for orders; until then Redis stays busy."""
    client.script_kill()
    deadline_s = time.monotonic() + 10
    while not _answers(client):
        assert time.monotonic() < deadline_s


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ResponseError:
        return False


def _transaction(client: redis.Redis) -> None:
    with client.pipeline(transaction=True) as pipe:
        pipe.set("key", "value")
        pipe.execute()


@pytest.mark.parametrize(
    ("trouble", "word", "kind"),
    [
        (_full, "maxmemory", BusFullError),
        (_read_only, "replica", BusUnavailableError),
        (_lonely, "replicas", BusUnavailableError),
        (_unable_to_save, "save", BusUnavailableError),
        (_held_up, "script", BusUnavailableError),
    ],
)
async def test_a_redis_that_takes_no_writes_is_unavailable_and_says_why(
    url: str, trouble: Callable[..., None], word: str, kind: type[Exception]
) -> None:
    with connect(url) as client:
        client.set("before", b"x" * 1_000_000)
        trouble(client, Path(url.removeprefix("unix://")).parent)
        with pytest.raises(kind, match=word), translated():
            client.set("key", "value")
        with pytest.raises(kind, match=word), translated():
            _transaction(client)
        async with connect_async(url) as later:
            with pytest.raises(kind, match=word), translated():
                await later.set("key", "value")
        if trouble is _held_up:
            _kill_script(client)
        client.config_set("save", "")  # or it would not end


def test_a_replica_without_its_primary_is_unavailable_to_readers(url: str) -> None:
    with connect(url) as client:
        client.config_set("replica-serve-stale-data", "no")
        client.replicaof("127.0.0.1", "1")
        with pytest.raises(BusUnavailableError, match="replication"), translated():
            client.get("key")


def test_after_a_refusal_of_a_replica_the_next_command_reconnects(url: str) -> None:
    """The address may lead to the new primary by then; the old one keeps its connections open."""
    with connect(url) as client, connect(url) as other:
        before = client.client_id()
        assert client.client_id() == before
        other.replicaof("127.0.0.1", "1")
        with pytest.raises(BusUnavailableError), translated():
            client.set("key", "value")
        assert client.client_id() != before


def test_a_defect_is_not_taken_for_an_outage(bus_url: str) -> None:
    with connect(bus_url) as client:
        client.set("text", "OOM is only a word here")
        with pytest.raises(redis.ResponseError), translated():
            client.incr("text")


def test_a_redis_that_loads_its_data_is_unavailable() -> None:
    def loading() -> Any:
        raise redis.exceptions.BusyLoadingError("Redis is loading the dataset in memory")

    with pytest.raises(BusUnavailableError, match="is loading"), translated():
        loading()


async def test_more_at_once_than_connections_wait_their_turn(url: str) -> None:
    async with connect_async(url, max_connections=2) as client:
        assert sorted(await asyncio.gather(*(client.incr("n") for _ in range(50)))) == list(range(1, 51))
