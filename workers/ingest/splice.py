"""Joins a publisher that was let in with the capture process that listens for it."""

from __future__ import annotations

import asyncio
import contextlib

from workers.ingest import rtsp
from workers.ingest.keeper import PublisherSlot

_CONNECT_WITHIN_S = 20.0  # the capture process has to start first
_ANSWER_WITHIN_S = 15.0
_CHUNK_BYTES = 65_536
_MAX_CSEQ = 256


class Turned(Exception):
    """The publisher cannot be joined with a capture; the message says why."""


class Splice:
    """Relays the RTSP dialogue up to RECORD, then copies bytes; buffers stay bounded by `drain`.

    FFmpeg insists that requests are numbered from 1 without a gap. Where we answered one ourselves, an OPTIONS with
    its number goes to FFmpeg instead, so that everything after RECORD can be copied untouched.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, slot: PublisherSlot, *, udp_allowed: bool
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._slot = slot
        self._udp_allowed = udp_allowed
        self._uri = f"rtsp://127.0.0.1:{slot.port}{slot.path}"

    async def run(self, announce: rtsp.Message) -> None:
        """Until either side closes. Raises `Turned`, `InvalidMessageError`, `ConnectionError`."""
        up_reader, up_writer = await self._connect()
        try:
            await self._catch_up(up_reader, up_writer, announce.cseq)
            request: rtsp.Message | None = announce
            while request is not None:
                if await self._relay(request, up_reader, up_writer):
                    await self._copy(up_reader, up_writer)
                    return
                request = await rtsp.read_request(self._reader, _ANSWER_WITHIN_S)
        finally:
            up_writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CONNECT_WITHIN_S):
                while not self._slot.ended.is_set():
                    try:
                        return await asyncio.open_connection("127.0.0.1", self._slot.port)
                    except ConnectionRefusedError:
                        await asyncio.sleep(0.03)
        raise Turned("the capture process did not come up")

    async def _catch_up(self, up_reader: asyncio.StreamReader, up_writer: asyncio.StreamWriter, cseq: int) -> None:
        if cseq > _MAX_CSEQ:
            raise Turned(f"its requests are numbered from {cseq}")
        for number in range(1, cseq):
            await self._skip(up_reader, up_writer, number)

    async def _skip(self, up_reader: asyncio.StreamReader, up_writer: asyncio.StreamWriter, cseq: int) -> None:
        up_writer.write(rtsp.options_request(self._uri, cseq))
        if await rtsp.read_answer(up_reader, _ANSWER_WITHIN_S) is None:
            raise Turned("the capture process closed")

    async def _relay(
        self, request: rtsp.Message, up_reader: asyncio.StreamReader, up_writer: asyncio.StreamWriter
    ) -> bool:
        """Pass one request and its answer on; True once the publisher records."""
        if request.first == "SETUP" and not self._udp_allowed and "TCP" not in (request.header("Transport") or ""):
            # Media over UDP would go to our host, not through this connection, past whatever stands in front of it.
            await self._skip(up_reader, up_writer, request.cseq)
            self._writer.write(rtsp.answer(461, request.cseq, why="Unsupported Transport - publish over TCP"))
            return False
        up_writer.write(request.request_bytes())
        reply = await rtsp.read_answer(up_reader, _ANSWER_WITHIN_S)
        if reply is None:
            raise Turned(f"FFmpeg did not accept its {request.first}")
        self._writer.write(reply.answer_bytes())
        await self._writer.drain()
        return request.first == "RECORD" and reply.first == "200"

    async def _copy(self, up_reader: asyncio.StreamReader, up_writer: asyncio.StreamWriter) -> None:
        pumps = {
            asyncio.create_task(_pump(self._reader, up_writer)),
            asyncio.create_task(_pump(up_reader, self._writer)),
            asyncio.create_task(self._replaced()),
        }
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _replaced(self) -> None:
        await self._slot.left.wait()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK_BYTES):
        writer.write(data)
        await writer.drain()
