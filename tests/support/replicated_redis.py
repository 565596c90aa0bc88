"""A primary, a replica and three Sentinels: real servers, of which the primary can be killed."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import redis
from ingest_rig import free_port
from waiting import wait_until

from patchwatch.local_redis.server_program import first_program

NAME, PASSWORD, OF_SENTINELS = "main", "p@ss/word", "watch%men"
_SENTINELS = 3
_DOWN_AFTER_MS = 1000


class ReplicatedRedis:
    """``url`` names the Sentinels, in the form that PATCHWATCH_REDIS_URL takes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ports = (free_port(), free_port())
        self.sentinels = tuple(free_port() for _ in range(_SENTINELS))
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.sentinels)
        return f"redis+sentinel://:p%40ss%2Fword@{hosts}/{NAME}/0?sentinel_password=watch%25men"

    def start(self) -> None:
        """Returns once every Sentinel knows the others and the replica."""
        primary, replica = self.ports
        for port in self.ports:
            of = ("--replicaof", "127.0.0.1", str(primary)) if port == replica else ()
            secrets = ("--requirepass", PASSWORD, "--masterauth", PASSWORD)
            self._run(port, ["--save", "", "--repl-diskless-sync-delay", "0", *secrets, *of])
        for port in self.ports:
            wait_until(partial(_answers, self.client(port)))
        wait_until(lambda: self.client(replica).info("replication")["master_link_status"] == "up")
        for port in self.sentinels:
            self._run(port, ["--sentinel"], self._configured(port, primary))
        wait_until(lambda: all(self._is_ready(port) for port in self.sentinels))

    def client(self, port: int) -> Any:
        """Of one server, whatever its role is."""
        return redis.Redis(port=port, password=PASSWORD, socket_timeout=5)

    @property
    def primary(self) -> int:
        """The port of the one that the first Sentinel takes for the primary."""
        [_, port] = self._sentinel(self.sentinels[0]).execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", NAME)
        return int(port)

    def kill(self, port: int) -> None:
        """At once, with what it had not sent to its replica yet."""
        process = self._processes.pop(port)
        process.kill()
        process.wait()

    def close(self) -> None:
        for port in list(self._processes):
            self.kill(port)

    def _run(self, port: int, options: Sequence[str], config: Path | None = None) -> None:
        command = ["setpriv", "--pdeathsig", "KILL", str(first_program().path), *([str(config)] if config else [])]
        own = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        self._processes[port] = subprocess.Popen(
            [*command, *([] if config else own), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def _configured(self, port: int, primary: int) -> Path:
        path = self._folder / f"sentinel-{port}.conf"
        path.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {self._folder}\nrequirepass {OF_SENTINELS}\n"
            f"sentinel monitor {NAME} 127.0.0.1 {primary} 2\nsentinel auth-pass {NAME} {PASSWORD}\n"
            f"sentinel sentinel-pass {OF_SENTINELS}\nsentinel down-after-milliseconds {NAME} {_DOWN_AFTER_MS}\n"
            f"sentinel failover-timeout {NAME} 5000\n"
        )
        return path

    def _sentinel(self, port: int) -> Any:
        return redis.Redis(port=port, password=OF_SENTINELS, socket_timeout=5, decode_responses=True)

    def _is_ready(self, port: int) -> bool:
        try:
            facts = self._sentinel(port).sentinel_master(NAME)
        except redis.RedisError:
            return False
        return bool(facts["num-slaves"] == 1 and facts["num-other-sentinels"] == _SENTINELS - 1)


@contextmanager
def replicated_redis(folder: Path) -> Iterator[ReplicatedRedis]:
    """Running."""
    servers = ReplicatedRedis(folder)
    try:
        servers.start()
        yield servers
    finally:
        servers.close()


def _answers(client: Any) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        time.sleep(0.05)
        return False
