"""A Redis Cluster of real servers that share all slots, each with a part of them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import redis
from ingest_rig import free_port
from waiting import wait_until

from patchwatch.local_redis.server_program import first_program

_SLOTS = 16_384


class RedisCluster:
    """``ports``: of its nodes, all of which are primaries."""

    def __init__(self, folder: Path, nodes: int) -> None:
        self._folder = folder
        self.ports = tuple(free_port() for _ in range(nodes))
        self._bus_ports = tuple(free_port() for _ in range(nodes))
        self._processes: list[subprocess.Popen[bytes]] = []

    def url(self, node: int = 0) -> str:
        return f"redis://127.0.0.1:{self.ports[node]}/0"

    def client(self, node: int) -> Any:
        """Of one node, which knows nothing of the others."""
        return redis.Redis(port=self.ports[node], socket_timeout=5)

    def start(self) -> None:
        """Returns once every node takes the cluster for whole."""
        for port, bus_port in zip(self.ports, self._bus_ports, strict=True):
            self._run(port, bus_port)
        share = -(-_SLOTS // len(self.ports))
        for node in range(len(self.ports)):
            wait_until(partial(_answers, self.client(node)))
            last = min(share * (node + 1), _SLOTS) - 1
            self.client(node).execute_command("CLUSTER", "ADDSLOTSRANGE", share * node, last)
            self.client(node).execute_command("CLUSTER", "MEET", "127.0.0.1", self.ports[0], self._bus_ports[0])
        for node in range(len(self.ports)):
            wait_until(partial(_is_whole, self.client(node)))

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def _run(self, port: int, bus_port: int) -> None:
        command = ["setpriv", "--pdeathsig", "KILL", str(first_program().path), "--port", str(port)]
        command += ["--bind", "127.0.0.1", "--dir", str(self._folder), "--save", "", "--cluster-enabled", "yes"]
        command += ["--cluster-port", str(bus_port), "--cluster-config-file", f"nodes-{port}.conf"]
        self._processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))


@contextmanager
def redis_cluster(folder: Path, nodes: int) -> Iterator[RedisCluster]:
    """Running."""
    cluster = RedisCluster(folder, nodes)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


def _answers(client: Any) -> bool:
    with suppress(redis.ConnectionError):
        return bool(client.ping())
    return False


def _is_whole(client: Any) -> bool:
    facts = client.execute_command("CLUSTER", "INFO").decode().split()
    return "cluster_state:ok" in facts and f"cluster_slots_assigned:{_SLOTS}" in facts
