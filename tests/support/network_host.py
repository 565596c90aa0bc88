"""Another host: a network namespace with a name of its own, and a cable to this machine that can be pulled."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import parts

_RENAMED = 'echo "$0" > /proc/sys/kernel/hostname && exec "$@"'
_NETWORKS = 250


class NetworkHost:
    """Use `network_host`. ``address``: where programs on it reach what listens there on this machine.

    Programs on it have another host name, and only the cable: to them 127.0.0.1 is their own.
    """

    def __init__(self) -> None:
        number = os.getpid() % _NETWORKS
        self.name = f"pw{os.getpid()}"
        self.address = f"10.77.{number}.9"
        self._ours, self._theirs = f"10.77.{number}.1", f"10.77.{number}.2"
        self._cable, self._end = f"{self.name}-a", f"{self.name}-b"

    @property
    def command(self) -> tuple[str, ...]:
        """What to put before a command that shall run there; the process stays the one that was started."""
        return (parts.ip(), "netns", "exec", self.name, "unshare", "--uts", "sh", "-c", _RENAMED, self.name)

    def start(self) -> None:
        self._ip("netns", "add", self.name)
        self._ip("link", "add", self._cable, "type", "veth", "peer", "name", self._end, "netns", self.name)
        self._ip("address", "add", f"{self._ours}/29", "dev", self._cable)
        self._ip("address", "add", f"{self.address}/32", "dev", "lo")  # it stays when the cable is pulled
        self.mend()
        for device in ("lo", self._end):
            self._ip("-n", self.name, "link", "set", device, "up")
        self._ip("-n", self.name, "address", "add", f"{self._theirs}/29", "dev", self._end)
        self._ip("-n", self.name, "route", "add", "default", "via", self._ours)

    def cut(self) -> None:
        """Pull the cable: from now on packets go nowhere, and nobody is told."""
        self._ip("link", "set", self._cable, "down")

    def mend(self) -> None:
        """Plug it in; it may be in already."""
        self._ip("link", "set", self._cable, "up")

    def close(self) -> None:
        """Programs on it should have ended."""
        for undo in (("address", "del", f"{self.address}/32", "dev", "lo"), ("link", "del", self._cable)):
            subprocess.run([parts.ip(), *undo], capture_output=True)
        subprocess.run([parts.ip(), "netns", "del", self.name], capture_output=True)

    def _ip(self, *words: str) -> None:
        subprocess.run([parts.ip(), *words], check=True)


@contextmanager
def network_host() -> Iterator[NetworkHost]:
    """Connected; skips where this machine makes no network namespaces."""
    parts.need("hosts")
    host = NetworkHost()
    try:
        host.start()
        yield host
    finally:
        host.close()
