"""One RTSP connection of the server: requests and packets in, responses out, each within a time limit."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress

from patchwatch.contract.errors import InvalidMessageError
from workers.rtsp.message import Packet, Request, Response, printable
from workers.rtsp.parser import BUFFER_BYTES, Event, Limits, MessageReader

REQUEST_LIMITS = Limits(head_bytes=8192, body_bytes=65_536)
_SEND_WITHIN_S = 5.0  # A peer that does not read its response for longer is disconnected.
_LINGER_S = 1.0


class Connection:
    """``host``: the peer's address. Not for two readers at once."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._messages = MessageReader(reader, REQUEST_LIMITS)
        self._ending = False
        self.host = str((writer.get_extra_info("peername") or ["?"])[0]).partition("%")[0]
        self.own_host = str((writer.get_extra_info("sockname") or ["?"])[0])

    def ready(self) -> Request | Packet | None:
        """The next request or packet, if it has already been received. Raises `InvalidMessageError`."""
        return _from_client(self._messages.ready())

    async def next(self, within_s: float | None) -> Request | Packet | None:
        """The next request or packet; None once the peer has closed.

        Raises `InvalidMessageError` for what is not RTSP, too long, or not complete ``within_s``.
        """
        if (event := self.ready()) is not None:
            return event
        try:
            async with asyncio.timeout(within_s):
                event = _from_client(await self._messages.next())
        except TimeoutError:
            raise InvalidMessageError(f"no complete request within {within_s:g} s") from None
        if event is None and not self._messages.between_messages and not self._writer.is_closing():
            raise InvalidMessageError("the request broke off")
        return event

    async def send(self, response: Response) -> None:
        """Raises `ConnectionError`, also when the peer does not read."""
        if self._writer.is_closing():
            raise ConnectionError("it is closed")
        self._writer.write(response.encode())
        try:
            async with asyncio.timeout(_SEND_WITHIN_S):
                await self._writer.drain()
        except TimeoutError:
            raise ConnectionError("it does not read its responses") from None

    def send_now(self, data: bytes, most_waiting: int = 1 << 20) -> None:
        """Send without waiting; discarded when more than ``most_waiting`` bytes have not been read yet."""
        if self._ending or self._writer.is_closing():
            return
        if self._writer.transport.get_write_buffer_size() <= most_waiting:
            self._writer.write(data)

    async def drain(self) -> None:
        """Wait until most of what was sent is on its way."""
        await self._writer.drain()

    def close(self) -> None:
        """Close after what was sent, which the peer has a moment to read; a pending `next` returns None."""
        if not self._writer.is_closing():
            self._writer.close()
            asyncio.get_running_loop().call_later(_LINGER_S, self._writer.transport.abort)

    async def close_after_response(self) -> None:
        """Close so that the last response arrives: closing with unread input would reset the connection before it."""
        self._ending = True
        with contextlib.suppress(ConnectionError, TimeoutError, OSError):
            async with asyncio.timeout(_LINGER_S):
                self._writer.write_eof()
                while await self._reader.read(BUFFER_BYTES):
                    pass
        self._writer.transport.abort()

    @property
    def is_local(self) -> bool:
        """Whether the peer is on this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def _from_client(event: Event | None) -> Request | Packet | None:
    if isinstance(event, Response):
        raise InvalidMessageError(f"a response instead of a request: {printable(event.start_line, 40)}")
    return event
