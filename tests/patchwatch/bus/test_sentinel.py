"""Clients that Sentinels tell where the primary is: real servers, whose primary is killed."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path
from typing import Any

import pytest
from replicated_redis import OF_SENTINELS, PASSWORD, replicated_redis
from waiting import wait_until

from patchwatch.bus.connection import admit, connect, connect_async, translated
from patchwatch.contract.errors import BusRefusedError, BusUnavailableError, ConfigurationError
from patchwatch.contract.redaction import redact
from patchwatch.contract.setting_parts.sentinel_address import SentinelAddress
from patchwatch.contract.settings import Settings, load_settings
from patchwatch.doctor.examination import examine

NOWHERE = "redis+sentinel://127.0.0.1:1,127.0.0.1:2/main"


def test_an_address_is_taken_apart() -> None:
    url = "rediss+sentinel://me:p%40w@one,two.example:26380,[::1]:7/main/3?sentinel_password=x"
    address = SentinelAddress.from_url(url)
    assert address is not None
    assert address.sentinels == (("one", 26379), ("two.example", 26380), ("::1", 7))
    assert (address.service, address.tls) == ("main", True)
    assert address.server_url == "rediss://me:p%40w@primary/3?sentinel_password=x"
    assert SentinelAddress.from_url("redis://host") is None


@pytest.mark.parametrize(
    "rest", ["", "h", "h/", "h:0/main", "h:70000/main", "h,,i/main", "u:p@w@h/main", "h/main/x", "h/main#x", "h/a/b/c"]
)
def test_a_malformed_address_is_refused_without_its_words(rest: str) -> None:
    with pytest.raises(ConfigurationError, match=r"redis\+sentinel://HOST:26379,HOST:26379/NAME/0") as refused:
        load_settings(redis_url=f"redis+sentinel://{rest}")
    assert "p@w" not in str(refused.value)


def test_its_secrets_are_hidden() -> None:
    shown = redact("redis+sentinel://u:secret1@one:26379,two:26379/main/0?sentinel_password=secret2")
    assert shown == "redis+sentinel://***@one:26379,two:26379/main/0?***"


def test_a_parameter_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigurationError, match="the parameter colour"):
        connect(f"{NOWHERE}?colour=blue")


def test_without_sentinels_the_address_is_what_is_wrong() -> None:
    with pytest.raises(BusUnavailableError, match="no Sentinel that answers"), translated():
        connect(NOWHERE).ping()


def test_clients_find_the_primary_before_and_after_its_end(tmp_path: Path) -> None:
    with replicated_redis(tmp_path) as servers:
        admit(servers.url, 16)
        assert [one.text for one in examine(Settings(redis_url=servers.url)) if one.check == "redis sentinel"]
        wrong = servers.url.replace("p%40ss", "other")
        with pytest.raises(BusRefusedError, match="password"), translated():
            connect(wrong).ping()
        asyncio.run(_outlive_the_primary(servers))
        assert PASSWORD not in redact(servers.url)
        assert OF_SENTINELS not in redact(servers.url)


async def _outlive_the_primary(servers: Any) -> None:
    blocking: Any = connect(servers.url)
    patient: Any = connect_async(servers.url)
    blocking.set("pw:before", 1)
    assert await patient.get("pw:before") == b"1"
    wait_until(lambda: servers.client(servers.ports[1]).get("pw:before"))
    servers.kill(servers.ports[0])
    for client in (blocking, patient):  # the error that workers wait for, and then go on with the same client
        with pytest.raises(BusUnavailableError):
            await _set(client)
    wait_until(lambda: _takes_writes(blocking))
    assert blocking.get("pw:before") == b"1"
    with translated():
        assert await patient.get("pw:before") == b"1"
    assert servers.primary == servers.ports[1]
    await patient.aclose()


async def _set(client: Any) -> None:
    with translated():
        answer = client.set("pw:after", 1)
        if inspect.isawaitable(answer):
            await answer


def _takes_writes(client: Any) -> bool:
    try:
        with translated():
            return bool(client.set("pw:after", 1))
    except BusUnavailableError:
        return False
