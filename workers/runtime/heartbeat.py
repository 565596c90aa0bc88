"""The heartbeat of this process: a record in Redis that expires unless it is written again."""

from __future__ import annotations

import os
import socket
from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.contract.roles import Role
from patchwatch.messages.heartbeat import Heartbeat

_EXPIRES_S = 10


class HeartbeatWriter:
    """Writes the `Heartbeat` of one worker. ``clock`` is kept in time by its owner."""

    def __init__(self, role: Role, worker_id: str, clock: BusClock) -> None:
        self.key = keys.worker(role.value, worker_id)
        self._role = role
        self._clock = clock
        self._started_at_ms = clock.now_ms()

    def write(self, client: Any, **facts: Any) -> Any:
        """Send the heartbeat by a client or a pipeline; ``facts`` are further fields of it.

        Returns what the SET of the client returns: something to await, if the client is asyncio's.
        """
        heartbeat = Heartbeat(
            role=self._role.value,
            host=socket.gethostname(),
            pid=os.getpid(),
            started_at_ms=self._started_at_ms,
            updated_at_ms=self._clock.now_ms(),
            **facts,
        )
        return client.set(self.key, heartbeat.encode(), ex=_EXPIRES_S)
