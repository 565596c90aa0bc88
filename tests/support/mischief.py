"""Random faults on a running installation, each over when its function returns."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from cameras import Cameras
from installation import Installation
from role_process import captures_of
from tcp_proxy import TcpProxy

_HALF_A_STOP_S = (1.0, 4.0)


@dataclass
class Mischief:
    """``groups``: camera servers with the proxy before each. Redis keeps its data: losing it would lose the count.
    ``learning``: banks are made meanwhile, so what makes them is struck as well."""

    site: Installation
    groups: list[tuple[Cameras, TcpProxy]]
    chance: random.Random
    learning: bool = False
    killing: bool = True  # whether processes are killed, too

    def strike(self) -> str:
        """One fault of any kind; returns its name."""
        return self._one_of(self._anywhere())

    def strike_a_worker(self) -> str:
        """One fault that costs no camera its connection: an alert that is open must survive it."""
        return self._one_of(self._at_workers())

    def _one_of(self, choices: dict[str, tuple[int, Callable[[], None]]]) -> str:
        names = [name for name in choices if self.killing or not name.endswith("killed")]
        [name] = self.chance.choices(names, [choices[one][0] for one in names])
        choices[name][1]()
        return name

    def _at_workers(self) -> dict[str, tuple[int, Callable[[], None]]]:
        roles = self.site.roles
        learning = {
            "enrolment killed": (3, roles["enrolment"].replace),
            "enrolment stopped for a while": (2, lambda: self._stopped("enrolment")),
        }
        return (learning if self.learning else {}) | {
            "inference killed": (1, roles["inference"].replace),
            "service killed": (1, roles["service"].replace),
            "inference stopped for a while": (2, lambda: self._stopped("inference")),
            "service stopped for a while": (2, lambda: self._stopped("service")),
            "connections to Redis cut": (4, self.site.proxy.cut),
            "Redis stopped for a while": (3, self._redis_stopped),
            "Redis slow": (3, self._redis_slow),
        }

    def _anywhere(self) -> dict[str, tuple[int, Callable[[], None]]]:
        return self._at_workers() | {
            "ingest killed": (1, self.site.roles["ingest"].replace),
            "capture killed": (6, self._capture_killed),
            "cameras without power": (3, self._power_cut),
            "cameras silent": (3, self._silence),
            "connections to cameras cut": (6, self._cut),
            "camera without its stream": (4, self._no_stream),
            "camera damaged": (6, self._damage),
        }

    def _wait(self) -> None:
        time.sleep(self.chance.uniform(*_HALF_A_STOP_S))

    def _stopped(self, role: str) -> None:
        self.site.roles[role].freeze()
        self._wait()
        self.site.roles[role].thaw()

    def _redis_stopped(self) -> None:
        self.site.redis.freeze()
        self._wait()
        self.site.redis.thaw()

    def _redis_slow(self) -> None:
        self.site.proxy.latency_s = 0.02
        self._wait()
        self.site.proxy.restore()

    def _capture_killed(self) -> None:
        captures = captures_of(self.site.roles["ingest"].pid)
        if captures:
            os.kill(self.chance.choice(captures), signal.SIGKILL)

    def _group(self) -> tuple[Cameras, TcpProxy]:
        return self.chance.choice(self.groups)

    def _power_cut(self) -> None:
        cameras, _ = self._group()
        cameras.stop()
        self._wait()
        cameras.start()

    def _silence(self) -> None:
        cameras, _ = self._group()
        cameras.freeze()
        self._wait()
        cameras.thaw()

    def _cut(self) -> None:
        _, proxy = self._group()
        proxy.cut(refuse=True)
        self._wait()
        proxy.restore()

    def _no_stream(self) -> None:
        cameras, proxy = self._group()
        name = self.chance.choice(cameras.names)
        cameras.tell(name, "leave")
        proxy.cut()
        self._wait()
        cameras.tell(name, "return")

    def _damage(self) -> None:
        cameras, _ = self._group()
        name = self.chance.choice(cameras.names)
        cameras.tell(name, "damage", 0.2)
        self._wait()
        cameras.tell(name, "damage", 0.0)
