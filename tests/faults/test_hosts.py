"""Hosts: an installation on two of them, of which one is cut off, slow, or has a wrong clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fault import Fault
from ingest_rig import free_port
from network_host import NetworkHost, network_host
from status_watch import seconds
from tcp_proxy import TcpProxy
from waiting import wait_until
from wrong_clock import wrong_clock

ALL = ("gate", "yard", "hall")
ROLES = ("inference", "ingest")
MOVED_WITHIN_S = 15.0
AWAY_S = 12.0  # longer than leases, and than a client waits for an answer
HOUR_S = 3600

pytestmark = pytest.mark.long


@dataclass
class SecondHost:
    """It has an ingest and an inference worker, and its own ways to Redis and to the cameras."""

    site: Any
    host: NetworkHost
    redis: TcpProxy

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Returns once the hosts share the cameras."""
        for role in ROLES:
            self.site.add(
                role, f"{role}-2", through=self.host.command, environment=environment, rtsp_port=free_port(),
                redis_url=f"redis://{self.host.address}:{self.redis.port}/0",
            )  # fmt: skip
        self.wait_until_shared()

    def wait_until_shared(self) -> None:
        for role in ROLES:
            wait_until(partial(self._is_shared, role))
        self.site.wait_until_ok(*ALL)

    def alone(self) -> bool:
        """Whether one worker of each role has everything."""
        return all([one["cameras"] for one in self.site.workers(role)] == [len(ALL)] for role in ROLES)

    def stop(self) -> None:
        for role in ROLES:
            self.site.remove(f"{role}-2")

    def _is_shared(self, role: str) -> bool:
        return [one["cameras"] > 0 for one in self.site.workers(role)] == [True, True]


@contextmanager
def _reachable_cameras(site: Any, address: str) -> Iterator[None]:
    """The cameras under an address that every host reaches."""
    before = {name: site.others.url(name) for name in ALL} | {"gate": site.gate.url("gate", site.gate_proxy.port)}
    ways = {name: TcpProxy((site.gate if name == "gate" else site.others).port, address) for name in ALL}
    try:
        for name, way in ways.items():
            site.installation.patch(f"/cameras/{name}", {"source": f"rtsp://{address}:{way.port}/{name}"})
        yield
    finally:
        for name, source in before.items():
            site.installation.patch(f"/cameras/{name}", {"source": source})
        for way in ways.values():
            way.close()
        site.installation.wait_until_ok(*ALL)


@pytest.fixture
def second(site: Any) -> Iterator[SecondHost]:
    """Not started yet."""
    installation = site.installation
    with network_host() as host, _reachable_cameras(site, host.address):
        way = TcpProxy(installation.redis.port, host.address)
        result = SecondHost(installation, host, way)
        try:
            yield result
        finally:
            for role in ROLES:
                if f"{role}-2" in installation.roles:
                    installation.remove(f"{role}-2")
                if not installation.roles[role].running:
                    installation.roles[role].start()
            way.close()


@pytest.fixture
def kept(site: Any) -> Iterator[Callable[[], None]]:
    """Call it before a fault; afterwards what was committed by then is still there, and nothing is double."""
    before: dict[str, list[Any]] = {}

    def look() -> None:
        before.update({name: site.installation.scores(name) for name in ALL})

    yield look
    assert before, "there was no look"
    for name, scores in before.items():
        numbers = [one["seq"] for one in site.installation.scores(name)]
        assert len(numbers) == len(set(numbers)), f"frames of {name} were scored twice"
        assert {one["seq"] for one in scores} <= set(numbers), f"scores of {name} are gone"
    alerts = [one["id"] for one in site.installation.alerts()]
    assert len(alerts) == len(set(alerts))


def test_a_host_is_cut_off_and_its_cameras_go_to_the_other(
    site: Any, fault: Fault, second: SecondHost, kept: Callable[[], None]
) -> None:
    second.start()
    kept()

    def cut() -> None:
        second.host.mend()
        second.wait_until_shared()
        second.host.cut()

    fault.strike(cut, limit_s=MOVED_WITHIN_S)
    wait_until(second.alone)
    second.host.mend()
    second.wait_until_shared()
    alert_id = site.alert_of_gate()
    assert [one["id"] for one in site.installation.alerts()].count(alert_id) == 1


def test_a_host_that_was_cut_off_comes_back(fault: Fault, second: SecondHost, kept: Callable[[], None]) -> None:
    second.start()
    kept()

    def away() -> None:
        second.host.cut()
        fault.until_age(AWAY_S)
        second.host.mend()

    fault.strike(away)
    second.wait_until_shared()


def test_a_host_is_a_fifth_of_a_second_away_for_a_while(
    fault: Fault, second: SecondHost, kept: Callable[[], None]
) -> None:
    second.start()
    kept()

    def slow() -> None:
        second.redis.latency_s = 0.1  # each way
        fault.until_age(AWAY_S)
        second.redis.restore()

    fault.strike(slow)
    second.wait_until_shared()


@pytest.mark.parametrize("ahead_s", [pytest.param(HOUR_S, id="ahead"), pytest.param(-HOUR_S, id="behind")])
def test_a_host_whose_clock_is_an_hour_off_takes_over(
    site: Any, fault: Fault, second: SecondHost, kept: Callable[[], None], tmp_path: Path, ahead_s: int
) -> None:
    """Leases, ages and times are those of one clock, whatever the host's own says."""
    second.start(wrong_clock(tmp_path, ahead_s))
    kept()

    def end_the_first() -> None:
        for role in ROLES:
            process = site.installation.roles[role]
            if not process.running:
                process.start()
        second.wait_until_shared()
        for role in ROLES:
            site.installation.roles[role].kill()

    fault.strike(end_the_first, limit_s=MOVED_WITHIN_S)
    wait_until(second.alone)  # once the heartbeats of the others have expired
    for name in ALL:
        assert abs(seconds(site.installation.status(name)["last_score"]["t"]) - time.time()) < HOUR_S / 60
