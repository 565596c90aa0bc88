"""Who may use the API: asked of every request before a route sees it, and of every WebSocket for as long as it is open.

See `service.access`: who sends it, and what he may do.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from patchwatch.contract.errors import PatchwatchError, RetryableError
from service.access.authenticator import Authenticator
from service.access.authorization import authorize
from service.access.caller import Caller, set_caller
from service.access.rights import WEBSOCKET, Match, Reach, match
from service.middleware.proxy import local_path
from service.problems.errors import UnauthorizedError
from service.problems.refusal import close_code, close_reason, refuse
from service.store import Store

_PROTECTED_PATHS = ("/api/", "/metrics")
_ASKS_WHO = "/readyz"  # open to all, but tells more to those who may use the API
ASK_AGAIN_S = 2.0  # after so long a WebSocket or a long answer may go on only if its caller still may


class AuthMiddleware:
    """Refuses a request with a problem before a route sees it."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator, store: Store) -> None:
        self._app = app
        self._authenticator = authenticator
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = local_path(scope) if scope["type"] in ("http", "websocket") else ""
        if path == _ASKS_WHO:
            set_caller(scope, await self._authenticator.known(scope))
        if not path.startswith(_PROTECTED_PATHS):
            await self._app(scope, receive, send)
            return
        found = match(WEBSOCKET if scope["type"] == "websocket" else scope["method"], path)
        try:
            caller = await self._admitted(scope, found)
        except PatchwatchError as error:
            await refuse(error, scope, receive, send)
            return
        if caller is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._watched(scope, receive, send, found, caller)
        else:
            await self._app(scope, receive, self._checking(scope, send, found, caller))

    async def _admitted(self, scope: Scope, found: Match | None) -> Caller | None:
        """The caller, who may do this; None where nobody is asked who he is."""
        if found is not None and found.right.reach is Reach.OPEN:
            self._authenticator.check_origin(scope)
            return None
        caller = await self._authenticator.identify(scope)
        await authorize(caller, found, self._store)
        set_caller(scope, caller)
        return caller

    async def _refusal(self, scope: Scope, found: Match | None, caller: Caller) -> PatchwatchError | None:
        """Why a request may not go on; None where it may, or where that cannot be found out now."""
        try:
            if await self._authenticator.identify(scope) != caller:
                return UnauthorizedError("your rights have changed: connect again")
            await authorize(caller, found, self._store)
        except RetryableError:
            return None
        except PatchwatchError as error:
            return error
        return None

    async def _watched(self, scope: Scope, receive: Receive, send: Send, found: Match | None, caller: Caller) -> None:
        """Serve a WebSocket, and close it within seconds of the end of its caller's rights."""
        closed = False

        async def send_while_open(message: Message) -> None:
            if closed:
                raise OSError("closed: its caller has no right to it any more")
            await send(message)

        async def watch() -> None:
            nonlocal closed
            while True:
                await asyncio.sleep(ASK_AGAIN_S)
                error = await self._refusal(scope, found, caller)
                if error is not None:
                    closed = True
                    close = {"type": "websocket.close", "code": close_code(error), "reason": close_reason(error)}
                    await send(close)
                    return

        watching = asyncio.create_task(watch(), name="websocket-rights")
        try:
            await self._app(scope, receive, send_while_open)
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError, RuntimeError):
                await watching

    def _checking(self, scope: Scope, send: Send, found: Match | None, caller: Caller) -> Send:
        """Sends an answer, and breaks off one that takes long once its caller has no right to it any more."""
        asked_s = time.monotonic()

        async def send_checked(message: Message) -> None:
            nonlocal asked_s
            if message.get("more_body") and time.monotonic() - asked_s >= ASK_AGAIN_S:
                asked_s = time.monotonic()
                if await self._refusal(scope, found, caller) is not None:
                    raise OSError("broken off: its caller has no right to it any more")
            await send(message)

        return send_checked
