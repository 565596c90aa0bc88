"""uvicorn's protocols with time limits that it lacks: for sending a request, its body, and for reading the answer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from service.http.connections import WaitingConnections

REQUEST_TIMEOUT_S = 10.0  # from connecting, or from the last answer, to the end of a request's head
BODY_TIMEOUT_S = 30.0  # a body has at most a megabyte
READ_TIMEOUT_S = 30.0  # within this time the client must read
READ_AT_LEAST_BYTES = 32 * 1024  # of an answer
REFUSED_TIMEOUT_S = 2.0  # a client that still sends what was refused before its end
_WEBSOCKET_CLOSE_TIMEOUT_S = 2.0
_TOO_LONG = "The address and the headers of the request are too long: send less at once."
# The library `websockets` does not answer a handshake beyond these limits.
_MAX_WEBSOCKET_TARGET_LENGTH = 8000
_MAX_WEBSOCKET_HEADERS = 100


class Config(uvicorn.Config):
    """uvicorn's configuration, with what the protocols share."""

    waiting: WaitingConnections


class HttpProtocol(H11Protocol):
    """Closes the connection of a client that does not finish its request, or read its answer, in time."""

    def __init__(self, config: uvicorn.Config, *arguments: Any, **named: Any) -> None:
        super().__init__(config, *arguments, **named)
        self._waiting = cast(Config, config).waiting
        self._awaited: tuple[object, str] | None = None  # the request, and the part of it that the client must send
        self._deadline: asyncio.TimerHandle | None = None
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_client()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        super().data_received(data)
        self._await_client()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._await_client()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        if len(event.target) > _MAX_WEBSOCKET_TARGET_LENGTH or len(self.headers) > _MAX_WEBSOCKET_HEADERS:
            self._refuse(414, "The address or the headers are too long for a WebSocket.")
            return
        if self._waiting.leave_no_room(len(self.connections)):
            self._refuse(503, "Too many connections are open: try again later.")
            return
        self._stop_waiting()
        super().handle_websocket_upgrade(event)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._awaited = None, "reading"
        self._await_client()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        error = sys.exception()  # h11's, which uvicorn is handling
        too_long = isinstance(error, h11.RemoteProtocolError) and error.error_status_hint == 431
        self._refuse(431, _TOO_LONG) if too_long else self._refuse(400, msg)

    def _refuse(self, status: int, text: str) -> None:
        """Answer before the request has ended.

        What the client still sends is read and dropped for a while: closing on unread data would reset the connection,
        and the client would lose the answer.
        """
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Connection: close", f"Content-Length: {len(text)}",
            "Content-Type: text/plain; charset=utf-8",
        )  # fmt: skip
        self._refused = True
        self.transport.write(("\r\n".join(head) + "\r\n\r\n" + text).encode())
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._wait(REFUSED_TIMEOUT_S, self.transport.abort)

    def _await_client(self) -> None:
        """Start or stop the time limit for what the client must send next.

        The time for a part of a request runs from its beginning, not from its last byte.
        """
        if self._refused or self.transport.get_protocol() is not self or self.flow.write_paused:
            return
        part = self._missing_part()
        if part == self._awaited:
            return
        self._awaited = part
        if part is None:
            self._stop_waiting()
        else:
            self._wait(REQUEST_TIMEOUT_S if part[1] == "head" else BODY_TIMEOUT_S, self.transport.abort)

    def _missing_part(self) -> tuple[object, str] | None:
        if self.cycle is None or self.cycle.response_complete:
            return self.cycle, "head"
        return (self.cycle, "body") if self.cycle.more_body else None

    def _await_reader(self, unread_before: float = float("inf")) -> None:
        unread = self.transport.get_write_buffer_size()
        if unread > unread_before - READ_AT_LEAST_BYTES:
            self.transport.abort()
        else:
            self._wait(READ_TIMEOUT_S, lambda: self._await_reader(unread))

    def _wait(self, timeout_s: float, on_timeout: Callable[[], None]) -> None:
        self._stop_waiting()
        self._deadline = self.loop.call_later(timeout_s, on_timeout)
        self._waiting.add(self, len(self.connections))

    def _stop_waiting(self) -> None:
        self._waiting.remove(self)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Counts as waiting until something is sent to its client, so refused and unanswered WebSockets are not kept."""

    def __init__(self, config: uvicorn.Config, *arguments: Any, **named: Any) -> None:
        super().__init__(config, *arguments, **named)
        self._waiting = cast(Config, config).waiting
        self._deadline: asyncio.TimerHandle | None = None
        self.close_timeout = _WEBSOCKET_CLOSE_TIMEOUT_S

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._waiting.add(self, len(self.connections))
        self._deadline = self.loop.call_later(REQUEST_TIMEOUT_S + _WEBSOCKET_CLOSE_TIMEOUT_S, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.send":
            self._stop_waiting()
        await super().send(message)

    def _stop_waiting(self) -> None:
        self._waiting.remove(self)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
