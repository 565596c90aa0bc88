"""Queue: Redis gone, empty, full, slow, unreachable, elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fault import Fault
from redis_process import RedisProcess


def test_redis_restarts_empty(site: Any, fault: Fault) -> None:
    def restart() -> None:
        site.installation.redis.kill()
        fault.until_seen("gate")
        site.installation.redis.start()

    fault.strike(restart, limit_s=5.0)


def test_redis_is_flushed(site: Any, fault: Fault) -> None:
    fault.strike(site.installation.redis.client.flushall, limit_s=5.0)


def test_redis_has_no_memory_left_and_then_has_again(site: Any, fault: Fault) -> None:
    client = site.installation.redis.client

    def fill() -> None:
        client.config_set("maxmemory", "1")
        try:
            fault.until_seen("gate")
            fault.until_age(4.0)
        finally:
            client.config_set("maxmemory", "256mb")

    fault.strike(fill)
    assert fault.row.lost is not None
    assert fault.row.lost["unpublished"] > 0


def test_redis_answers_a_fifth_of_a_second_late(site: Any, fault: Fault) -> None:
    def delay() -> None:
        site.installation.proxy.latency_s = 0.1  # each way
        fault.until_age(6.0)
        site.installation.proxy.restore()

    fault.strike(delay)


@pytest.mark.long
def test_redis_stands_still_for_some_seconds(site: Any, fault: Fault) -> None:
    def stand_still() -> None:
        site.installation.redis.freeze()
        try:
            fault.until_seen("gate")
            fault.until_age(7.0)  # beyond the time that a client waits for an answer
        finally:
            site.installation.redis.thaw()

    fault.strike(stand_still)


def test_all_connections_to_redis_are_cut_at_once(site: Any, fault: Fault) -> None:
    fault.strike(site.installation.proxy.cut)


@pytest.mark.long
def test_the_network_to_redis_swallows_everything(site: Any, fault: Fault) -> None:
    def swallow() -> None:
        site.installation.proxy.swallows = True
        fault.until_seen("gate")
        fault.until_age(7.0)
        site.installation.proxy.restore()
        site.installation.proxy.cut()  # what was swallowed never arrives on those connections

    fault.strike(swallow)


@pytest.fixture
def standby(tmp_path: Path) -> Iterator[RedisProcess]:
    server = RedisProcess(tmp_path)
    server.start()
    yield server
    server.close()


@pytest.mark.long
def test_the_address_of_redis_leads_to_another_empty_server_and_later_back(
    site: Any, fault: Fault, standby: RedisProcess
) -> None:
    proxy = site.installation.proxy

    def fail_over() -> None:
        proxy.target_port = standby.port
        proxy.cut()

    try:
        fault.strike(fail_over)
    finally:
        site.installation.redis.client.flushall()
        proxy.target_port = site.installation.redis.port
        proxy.cut()
    site.installation.wait_until_ok("gate", "yard", "hall")
