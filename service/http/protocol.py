"""uvicorn's protocols with time limits that it lacks: for sending a request, its body, and for reading the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from service.http.connections import WaitingConnections

if TYPE_CHECKING:
    import h11

REQUEST_TIMEOUT_S = 10.0  # from connecting, or from the last answer, to the end of a request's head
BODY_TIMEOUT_S = 30.0  # a body has at most a megabyte
READ_TIMEOUT_S = 30.0  # within this time the client must read
READ_AT_LEAST_BYTES = 32 * 1024  # of an answer
_WEBSOCKET_CLOSE_TIMEOUT_S = 2.0
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

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_client()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._await_client()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._await_client()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        if len(event.target) > _MAX_WEBSOCKET_TARGET_LENGTH or len(self.headers) > _MAX_WEBSOCKET_HEADERS:
            self._answer(b"414 URI Too Long")
            return
        if self._waiting.leave_no_room(len(self.connections)):
            self._answer(b"503 Service Unavailable")
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

    def _answer(self, status: bytes) -> None:
        self.transport.write(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        self.transport.close()

    def _await_client(self) -> None:
        """Start or stop the time limit for what the client must send next.

        The time for a part of a request runs from its beginning, not from its last byte.
        """
        if self.transport.get_protocol() is not self or self.flow.write_paused:
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
