"""Reads RTSP messages and packets from a stream."""

from __future__ import annotations

import asyncio

from workers.rtsp.parser import Event, Limits, Parser

BUFFER_BYTES = 65_536  # Per read; an asyncio stream with this limit buffers at most twice as much ahead.


class MessageReader:
    """Not for two readers at once. Messages longer than ``limits`` raise `InvalidMessageError`."""

    def __init__(self, reader: asyncio.StreamReader, limits: Limits) -> None:
        self._reader = reader
        self._parser = Parser(limits)

    @property
    def between_messages(self) -> bool:
        """Whether no message or packet has been received in part."""
        return self._parser.empty

    def ready(self) -> Event | None:
        """The next message or packet, if it has already been received."""
        return self._parser.next()

    async def next(self) -> Event | None:
        """The next message or packet; None once the peer has closed, even in the middle of a message."""
        while (event := self._parser.next()) is None:
            await asyncio.sleep(0)  # Lets other connections run, however fast this peer sends.
            data = await self._reader.read(BUFFER_BYTES)
            if not data:
                return None
            self._parser.feed(data)
        return event
