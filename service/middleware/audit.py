"""The audit log: every change over the API, whoever makes it, without a word of its route.

What a change was is seen from outside: the answer to GET at its address before and after; of what has no such address,
the answer to the change.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from patchwatch.messages.access.audit_entry import MAX_CHANGES
from service.access.audit_log import Changes, changes_between, note, secrets_sent
from service.access.authenticator import Authenticator
from service.access.caller import caller_of
from service.access.rights import SAFE_METHODS, Match, match
from service.middleware.proxy import client_address, local_path
from service.store.access.audit import AuditStore

log = logging.getLogger(__name__)
_COMPARED = ("PUT", "PATCH", "DELETE")
_MOST_BYTES = 256 * 1024  # of a body that is looked at
_FAILED = 400


class AuditMiddleware:
    """Notes a change before its answer is sent: whoever has the answer finds the entry. Must come after
    `service.middleware.auth`, which says who makes it."""

    def __init__(self, app: ASGIApp, store: AuditStore, authenticator: Authenticator) -> None:
        self._app = app
        self._store = store
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        safe = scope["type"] != "http" or scope["method"] in SAFE_METHODS
        found = None if safe else match(scope["method"], local_path(scope))
        if found is None or not found.right.audited:
            await self._app(scope, receive, send)
            return
        compared = scope["method"] in _COMPARED and match("GET", local_path(scope)) is not None
        before = await self._seen(scope) if compared else None
        request, answer = _Body(), _Answer()
        await self._app(scope, request.reading(receive), answer.take)
        if answer.status < _FAILED:
            after = await self._seen(scope) if compared else answer.body.json()
            changes = secrets_sent(request.json()) | changes_between(before, after)
            await self._note(scope, found, answer.status, dict(list(changes.items())[:MAX_CHANGES]))
        for message in answer.messages:
            await send(message)

    async def _note(self, scope: Scope, found: Match, status: int, changes: Changes) -> None:
        action = f"{found.method} {found.template}"
        await note(
            self._store, self._authenticator.now_ms, caller_of(scope), client_address(scope), action,
            path=local_path(scope), status=status, changes=changes,
        )  # fmt: skip

    async def _seen(self, scope: Scope) -> Any:
        """What GET answers at the address of a change; None where that is nothing."""
        headers = [(name, value) for name, value in scope["headers"] if not name.startswith(b"content-")]
        asked = {**scope, "method": "GET", "query_string": b"", "headers": headers}
        answer = _Answer()
        try:
            await self._app(asked, _no_body, answer.take)
        except Exception:  # a defect of the route that shows must not prevent the change
            log.exception("GET %s fails for the audit log", local_path(scope))
            return None
        return answer.body.json() if answer.status < _FAILED else None


class _Body:
    """A body as it passes, as far as it is short."""

    def __init__(self) -> None:
        self._data = b""

    def add(self, part: bytes) -> None:
        if len(self._data) <= _MOST_BYTES:
            self._data += part

    def reading(self, receive: Receive) -> Receive:
        async def read() -> Message:
            message = await receive()
            self.add(message.get("body", b""))
            return message

        return read

    def json(self) -> Any:
        """None for what is long, or no JSON."""
        if len(self._data) > _MOST_BYTES:
            return None
        try:
            return json.loads(self._data)
        except (ValueError, RecursionError):
            return None


class _Answer:
    """An answer that is kept back."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.status = 0
        self.body = _Body()

    async def take(self, message: Message) -> None:
        self.messages.append(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self.body.add(message.get("body", b""))


async def _no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}
