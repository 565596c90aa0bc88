"""A transaction is tried again when a watched key changes, and not for ever; blocking and asyncio alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from patchwatch.bus.connection import connect, connect_async
from patchwatch.bus.writes import transact, transact_async
from patchwatch.contract.errors import BusUnavailableError, ContentionError, NotFoundError


@pytest.fixture
def client(bus_url: str) -> Iterator[Any]:
    with connect(bus_url) as client:
        yield client


@pytest.mark.parametrize("disturbances", [0, 2])
def test_it_is_tried_again_when_a_watched_key_changes(client: Any, disturbances: int) -> None:
    read: list[int] = []

    def attempt(pipe: Any) -> int:
        read.append(int(pipe.get("count") or 0))
        if len(read) <= disturbances:
            client.incr("count")
        pipe.multi()
        pipe.set("double", 2 * read[-1])
        return read[-1]

    assert transact(client, attempt, "count") == disturbances
    assert read == list(range(disturbances + 1))
    assert int(client.get("double")) == 2 * disturbances


@pytest.mark.parametrize("disturbances", [0, 2])
async def test_so_is_that_of_an_asyncio_client(client: Any, bus_url: str, disturbances: int) -> None:
    read: list[int] = []

    async def attempt(pipe: Any) -> int:
        read.append(int(await pipe.get("count") or 0))
        if len(read) <= disturbances:
            client.incr("count")
        pipe.multi()
        pipe.set("double", 2 * read[-1])
        return read[-1]

    async with connect_async(bus_url) as asking:
        assert await transact_async(asking, attempt, "count") == disturbances
    assert int(client.get("double")) == 2 * disturbances


def test_after_so_many_tries_it_gives_up_and_names_the_subject(client: Any) -> None:
    def attempt(pipe: Any) -> None:
        client.incr("count")
        pipe.multi()
        pipe.set("written", 1)

    with pytest.raises(ContentionError, match="the cameras") as caught:
        transact(client, attempt, "count", subject="the cameras", tries=3)
    assert int(client.get("count")) == 3
    assert client.get("written") is None
    assert isinstance(caught.value, BusUnavailableError)
    assert caught.value.code == "unavailable"


def test_what_the_attempt_raises_ends_it_and_nothing_is_written(client: Any) -> None:
    def attempt(pipe: Any) -> None:
        pipe.multi()
        pipe.set("written", 1)
        raise NotFoundError("no")

    with pytest.raises(NotFoundError):
        transact(client, attempt, "count")
    assert client.get("written") is None


def test_an_attempt_may_write_nothing(client: Any) -> None:
    assert transact(client, lambda pipe: pipe.get("count"), "count") is None
