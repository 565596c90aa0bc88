"""What routes need of the running app: the settings, the store, and what all requests share."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import translated
from patchwatch.contract.settings import Settings
from service.access.authenticator import Authenticator
from service.access.caller import NOBODY, Caller, caller_of
from service.access.passwords import PasswordWork
from service.camera_search import CameraSearch
from service.examination import Examination
from service.rules.disk import Disk
from service.store import Store
from service.websockets.hub import Hub

if TYPE_CHECKING:  # half a second of imports, which few installations need
    from service.oidc.login import ProviderLogin


@dataclass(frozen=True)
class Context:
    """What the routes share: one per application, held in the application's state.

    A route gets it with its ``caller``, and with a ``store`` in which only his cameras exist.
    """

    settings: Settings
    store: Store
    hub: Hub
    authenticator: Authenticator
    resolver: Executor  # resolves host names
    client_queue: int  # how many messages may wait for a slow WebSocket client
    examination: Examination
    clock: BusClock = field(default_factory=BusClock)
    disk: Disk = field(default_factory=Disk)
    passwords: PasswordWork = field(default_factory=PasswordWork)
    camera_search: CameraSearch = field(default_factory=CameraSearch)
    provider_login: ProviderLogin | None = None  # where users log in at a provider
    caller: Caller = NOBODY

    @property
    def stale_after_s(self) -> float:
        """The age at which a score is stale. A live frame is scored or dropped within ``max_age_s``."""
        return self.settings.max_age_s + 5.0

    async def now_ms(self) -> int:
        """Unix time in milliseconds by the clock of Redis, as in the records of the workers."""
        with translated():
            await self.clock.sync_async(self.store.bus)
        return self.clock.now_ms()


def _context(connection: HTTPConnection) -> Context:
    context: Context = connection.app.state.context
    caller = caller_of(connection.scope)
    return replace(context, caller=caller, store=context.store.limited(caller.cameras))


ContextDep = Annotated[Context, Depends(_context)]


def _whole_context(connection: HTTPConnection) -> Context:
    context: Context = connection.app.state.context
    return context


WholeContextDep = Annotated[Context, Depends(_whole_context)]  # of a route whose right is a signature
