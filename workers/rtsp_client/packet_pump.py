"""Passes a camera's packets on to FFmpeg, once they flow: all of a read in one write, without waking a task."""

from __future__ import annotations

import asyncio

from workers.rtsp.message import Packet
from workers.rtsp.parser import BUFFER_BYTES, Event, MessageReader, Parser


class PacketPump(asyncio.BufferedProtocol):
    """Takes a camera's connection over from its stream. What is not a packet waits for `next_message`, and what comes
    after it, too; so does everything while FFmpeg does not read.

    ``packets`` counts those that were passed on.
    """

    def __init__(self, parser: Parser, camera: asyncio.Transport, ffmpeg: asyncio.StreamWriter, first: Packet) -> None:
        self._parser = parser
        self._camera = camera
        self._ffmpeg = ffmpeg
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._waits = asyncio.Event()  # for `next_message`
        self._closed = False
        self.packets = 1
        ffmpeg.write(first.encode())

    @classmethod
    async def take_over(
        cls, reader: MessageReader, camera: asyncio.Transport, ffmpeg: asyncio.StreamWriter, first: Packet
    ) -> PacketPump:
        """``first``: the packet that ``reader``, which is not used afterwards, has just read."""
        pump = cls(await reader.detach(), camera, ffmpeg, first)
        camera.set_protocol(pump)
        return pump

    async def next_message(self) -> Event | None:
        """The next message, once all packets before it are passed on; None once the camera has closed. Raises
        `InvalidMessageError` and the errors of FFmpeg's connection."""
        while True:
            await self._ffmpeg.drain()
            self._pass_packets()
            if (message := self._parser.next()) is not None or self._closed:
                return message
            self._waits.clear()
            self._camera.resume_reading()
            await self._waits.wait()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._parser.feed(self._buffer[:nbytes])
        self._pass_packets()
        if self._parser.in_message or self._ffmpeg.transport.get_write_buffer_size() > BUFFER_BYTES:
            self._camera.pause_reading()
            self._waits.set()

    def eof_received(self) -> None:
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    def _pass_packets(self) -> None:
        packets, number = self._parser.take_packets()
        if number:
            self.packets += number
            self._ffmpeg.write(packets)

    def _end(self) -> None:
        self._closed = True
        self._waits.set()
