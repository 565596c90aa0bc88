"""What routes are given: the settings and the store, taken from the running app."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import translated
from patchwatch.contract.settings import Settings
from service.middleware.auth import Access
from service.rules.disk import Disk
from service.store import Store
from service.websockets.hub import Hub


@dataclass(frozen=True)
class Context:
    settings: Settings
    store: Store
    hub: Hub
    access: Access
    resolver: Executor  # of names
    client_queue: int  # messages that wait for a slow WebSocket client
    clock: BusClock = field(default_factory=BusClock)
    disk: Disk = field(default_factory=Disk)

    @property
    def stale_after_s(self) -> float:
        """A score older than this is stale: a live frame is scored or dropped within ``max_age_s``."""
        return self.settings.max_age_s + 5.0

    async def now_ms(self) -> int:
        """Unix time in milliseconds as Redis has it: the clock of the workers' records, whatever this host's says."""
        with translated():
            await self.clock.sync_async(self.store.bus)
        return self.clock.now_ms()


def _context(connection: HTTPConnection) -> Context:
    context: Context = connection.app.state.context
    return context


In = Annotated[Context, Depends(_context)]
