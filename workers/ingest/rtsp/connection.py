"""One RTSP connection: requests and packets in, answers out, each within a time."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress

from patchwatch.contract.errors import InvalidMessageError
from workers.ingest.rtsp.message import Packet, Request
from workers.ingest.rtsp.parser import Parser

BUFFER_BYTES = 65_536  # read ahead at most twice as much
_SEND_WITHIN_S = 5.0  # an answer; longer waits a peer that does not read
_LINGER_S = 1.0


class Connection:
    """``host``: the peer's address. Not for two readers at once."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._parser = Parser()
        self._answered = False
        self.host = str((writer.get_extra_info("peername") or ["?"])[0]).partition("%")[0]
        self.own_host = str((writer.get_extra_info("sockname") or ["?"])[0])

    def ready(self) -> Request | Packet | None:
        """What has arrived already. Raises `InvalidMessageError`."""
        return self._parser.next()

    async def next(self, within_s: float | None) -> Request | Packet | None:
        """What comes next; None once the peer has closed.

        Raises `InvalidMessageError` for what is no RTSP, too long, or not complete ``within_s``.
        """
        if (event := self._parser.next()) is not None:
            return event
        try:
            async with asyncio.timeout(within_s):
                while (event := self._parser.next()) is None:
                    await asyncio.sleep(0)  # others have their turn, however fast this peer sends
                    data = await self._reader.read(BUFFER_BYTES)
                    if not data:
                        self._check_end()
                        return None
                    self._parser.feed(data)
        except TimeoutError:
            raise InvalidMessageError(f"no complete request within {within_s:g} s") from None
        return event

    def _check_end(self) -> None:
        if not self._parser.empty and not self._writer.is_closing():
            raise InvalidMessageError("the request broke off")

    async def send(self, data: bytes) -> None:
        """Raises `ConnectionError`, also when the peer does not read."""
        if self._writer.is_closing():
            raise ConnectionError("it is closed")
        self._writer.write(data)
        try:
            async with asyncio.timeout(_SEND_WITHIN_S):
                await self._writer.drain()
        except TimeoutError:
            raise ConnectionError("it does not read its answers") from None

    def send_now(self, data: bytes, most_waiting: int = 1 << 20) -> None:
        """Without waiting; thrown away when more than ``most_waiting`` bytes have not been read yet."""
        if self._answered or self._writer.is_closing():
            return
        if self._writer.transport.get_write_buffer_size() <= most_waiting:
            self._writer.write(data)

    async def drain(self) -> None:
        """Until what was sent is mostly on its way, as long as the peer takes."""
        await self._writer.drain()

    def close(self) -> None:
        """Close after what was sent, which the peer has a moment to take; whoever waits in `next` finds the end."""
        if not self._writer.is_closing():
            self._writer.close()
            asyncio.get_running_loop().call_later(_LINGER_S, self._writer.transport.abort)

    async def close_answered(self) -> None:
        """Close so that the last answer arrives: closing on bytes unread would take it away from the peer."""
        self._answered = True
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
