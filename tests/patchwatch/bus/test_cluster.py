"""A Redis Cluster is refused at the start, with what to use in its place: real servers, alone and sharing the slots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis_cluster import RedisCluster, redis_cluster
from typer.testing import CliRunner

from patchwatch.bus import keys
from patchwatch.bus.connection import NO_CLUSTER, admit, connect, connect_async, translated
from patchwatch.bus.keys import CameraKeys
from patchwatch.cli.app import app, exit_code
from patchwatch.contract.errors import EXIT_STAYS, BusRefusedError, ConfigurationError
from patchwatch.contract.settings import Settings
from patchwatch.doctor.examination import examine
from patchwatch.doctor.finding import Level

GATE = CameraKeys.for_camera("gate", 16)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    with redis_cluster(tmp_path_factory.mktemp("cluster"), 3) as running:
        yield running


@pytest.fixture(scope="module")
def lone_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """It has all slots, as managed ones with a single shard."""
    with redis_cluster(tmp_path_factory.mktemp("lone"), 1) as running:
        yield running


@pytest.mark.parametrize("node", [0, 1, 2])
def test_no_node_is_admitted_and_the_remedy_is_named(cluster: RedisCluster, node: int) -> None:
    with pytest.raises(ConfigurationError, match=r"Redis Cluster.*Sentinels.*redis\+sentinel://") as refused:
        admit(cluster.url(node), 16)
    assert exit_code(refused.value) == EXIT_STAYS
    assert "\n" not in str(refused.value)
    assert cluster.client(node).dbsize() == 0


def test_a_single_node_with_all_slots_is_refused_too(lone_node: RedisCluster) -> None:
    with pytest.raises(ConfigurationError, match="Redis Cluster"):
        admit(lone_node.url(), 16)
    assert lone_node.client(0).dbsize() == 0


@pytest.mark.parametrize("command", [["serve", "--port", "0", "--rtsp-port", "0"], ["run", "inference"]])
def test_the_commands_end_with_one_line(
    cluster: RedisCluster, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHWATCH_REDIS_URL", cluster.url())
    ended = CliRunner().invoke(app, command)
    assert isinstance(ended.exception, ConfigurationError)
    assert str(ended.exception) == NO_CLUSTER


def test_the_doctor_says_the_same(cluster: RedisCluster, lone_node: RedisCluster, tmp_path: Any) -> None:
    for url in (cluster.url(0), cluster.url(1), cluster.url(2), lone_node.url()):
        findings = examine(Settings(redis_url=url, data_dir=tmp_path, port=0, rtsp_port=0))
        assert NO_CLUSTER in [one.text for one in findings if one.level is Level.FAIL]


def _alert_with_its_score(client: Any) -> None:
    with client.pipeline(transaction=True) as pipe:
        pipe.hset(GATE.state, "seq", 1)
        pipe.xadd(keys.ALERTS, {"a": "{}"})
        pipe.execute()


def _watched(client: Any) -> None:
    with client.pipeline(transaction=True) as pipe:
        pipe.watch(GATE.state, keys.lease(GATE.partition), keys.CAMERAS)


@pytest.mark.parametrize("attempt", [_alert_with_its_score, _watched])
def test_no_node_commits_an_alert_with_the_score_that_raised_it(
    lone_node: RedisCluster, attempt: Callable[[Any], None]
) -> None:
    """Why it is refused; and should a server become such a node later, its error is the same."""
    with connect(lone_node.url()) as client:
        with pytest.raises(BusRefusedError, match="Redis Cluster"), translated():
            attempt(client)
        assert client.dbsize() == 0


async def test_a_key_of_another_node_is_no_defect_of_ours(cluster: RedisCluster) -> None:
    elsewhere = [number for number in range(64) if not _has(cluster, keys.lease(number))]
    assert elsewhere
    with connect(cluster.url()) as client, pytest.raises(BusRefusedError, match="Redis Cluster"), translated():
        client.get(keys.lease(elsewhere[0]))
    async with connect_async(cluster.url()) as later:
        with pytest.raises(BusRefusedError, match="Redis Cluster"), translated():
            await later.get(keys.lease(elsewhere[0]))


def _has(cluster: RedisCluster, key: str) -> bool:
    """Whether the first node answers for this key."""
    return int(cluster.client(0).execute_command("CLUSTER", "KEYSLOT", key)) < 5462
