"""A TCP proxy that can be slow, narrow, cut, or a black hole; in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from ingest_rig import free_port

_CHUNK_BYTES = 65_536


class TcpProxy:
    """Forwards `port` of ``address`` to ``target_port`` of 127.0.0.1. Attributes may be set from any thread and hold at
    once."""

    def __init__(self, target_port: int, address: str = "127.0.0.1") -> None:
        self.port = free_port()
        self.target_port = target_port
        self.latency_s = 0.0  # each way
        self.bytes_per_s: float | None = None
        self.swallows = False  # a black hole: takes everything, gives nothing
        self._refuses = False
        self._connections: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tcp-proxy", daemon=True)
        self._thread.start()
        self._server = self._wait(asyncio.start_server(self._serve, address, self.port))

    def cut(self, *, refuse: bool = False) -> None:
        """Reset every connection; with ``refuse`` new ones too, until `restore`."""
        self._refuses = refuse
        self._wait(self._reset())

    def restore(self) -> None:
        """Forward again, without delay or loss."""
        self._refuses, self.swallows, self.latency_s, self.bytes_per_s = False, False, 0.0, None

    def close(self) -> None:
        self._wait(self._stop_listening())
        self.cut(refuse=True)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(timeout=10)

    async def _stop_listening(self) -> None:
        self._server.close()  # in its own thread, or it races with connections that end

    async def _reset(self) -> None:
        connections = list(self._connections)
        for one in connections:
            one.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if not self._refuses:
                await self._join(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # the other end is gone, or we cut it off
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        ways = [asyncio.create_task(self._copy(*way)) for way in ((reader, far_writer), (far_reader, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            far_writer.transport.abort()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK_BYTES):
            if self.latency_s:
                await asyncio.sleep(self.latency_s)
            if self.bytes_per_s:
                await asyncio.sleep(len(data) / self.bytes_per_s)
            if not self.swallows:
                writer.write(data)
                await writer.drain()
