"""A WebSocket from its handshake to its end: hello, missed entries, live entries, heartbeats.

Missed entries are read from Redis until the client has caught up. Then it joins the hub, and entries that arrived in
between are read once more. An entry that arrives both ways is sent once, because positions only move forward.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from patchwatch.bus.streams import Entry, entry_order
from patchwatch.contract.errors import BusUnavailableError
from patchwatch.contract.timestamps import iso
from service.http.websocket_handshake import accept
from service.problems.refusal import TRY_AGAIN_LATER
from service.store.streams import START, StreamStore
from service.websockets.client import Client, Item
from service.websockets.hub import Hub

log = logging.getLogger(__name__)
_NORMAL_CLOSURE = 1000
_INTERNAL_ERROR = 1011
_PAGE = 500  # entries
_CLOSE_TIMEOUT_S = 5.0

ItemOf = Callable[[str, Entry], Item | None]


class WebSocketSession:
    """Sends to one client. ``positions``: by stream, the last entry that the client has.

    ``unknown_cameras``: requested cameras that do not exist. The client is told, as they may be typing errors; if they
    are added later, it gets their entries.
    """

    def __init__(
        self,
        websocket: WebSocket,
        client: Client,
        hub: Hub,
        streams: StreamStore,
        *,
        positions: dict[str, str],
        unknown_cameras: list[str],
        item_of: ItemOf,
        id_of: Callable[[str, str], str],
        heartbeat_s: float,
    ) -> None:
        self._websocket = websocket
        self._client = client
        self._hub = hub
        self._streams = streams
        self._positions = positions
        self._unknown_cameras = unknown_cameras
        self._item_of = item_of
        self._id_of = id_of
        self._heartbeat_s = heartbeat_s

    async def run(self) -> None:
        """Returns when the client is gone, cannot keep up, or the service stops."""
        await accept(self._websocket)
        pump = asyncio.create_task(self._pump(), name="websocket-pump")
        listen = asyncio.create_task(self._listen(), name="websocket-listen")
        overflow = asyncio.create_task(self._client.overflowed.wait(), name="websocket-overflow")
        tasks = (pump, listen, overflow)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            code, reason = self._close_code(pump, overflow)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._hub.leave(self._client)
        await self._close(code, reason)

    def _close_code(self, pump: asyncio.Task[None], overflow: asyncio.Task[bool]) -> tuple[int, str]:
        """The code and reason to close with."""
        if overflow.done():
            return TRY_AGAIN_LATER, "too slow: resume with ?after=<last id>"
        error = pump.exception() if pump.done() else None
        if error is None or isinstance(error, WebSocketDisconnect):
            return _NORMAL_CLOSURE, ""
        if isinstance(error, BusUnavailableError):
            return TRY_AGAIN_LATER, "Redis does not answer: resume with ?after=<last id>"
        log.error("a WebSocket ends by a defect", exc_info=error)
        return _INTERNAL_ERROR, "a defect of Patchwatch: the service's log says more"

    async def _close(self, code: int, reason: str) -> None:
        if self._websocket.client_state is not WebSocketState.CONNECTED:
            return
        try:
            await asyncio.wait_for(self._websocket.close(code, reason), _CLOSE_TIMEOUT_S)
        except (TimeoutError, RuntimeError, WebSocketDisconnect):
            log.debug("a client left before its WebSocket was closed")

    async def _listen(self) -> None:
        """Clients send nothing, but only reading notices that they disconnect."""
        while (await self._websocket.receive())["type"] != "websocket.disconnect":
            pass

    async def _pump(self) -> None:
        await self._send_hello()
        await self._replay()
        reading = await self._hub.join(self._client)
        for stream in self._hub.followed(self._client):
            self._positions.setdefault(stream, START)  # the camera was added after our hello
        await self._replay()
        self._client.finish_catching_up(self._was_sent)
        heartbeat_at_s = time.monotonic() + self._heartbeat_s
        while not reading.done():
            dropped, items = await self._client.take(max(0.0, min(1.0, heartbeat_at_s - time.monotonic())))
            if dropped:
                await self._send({"type": "thinned", "dropped": dropped})
            for item in items:
                await self._send_item(item)
            if time.monotonic() >= heartbeat_at_s:
                await self._send_heartbeat()
                heartbeat_at_s = time.monotonic() + self._heartbeat_s
        if not reading.cancelled():
            reading.result()  # raises the defect of the hub, if one ended the task

    async def _send_hello(self) -> None:
        gaps = [self._id_of(name, self._positions[name]) for name in await self._streams.incomplete(self._positions)]
        hello = {"type": "hello", "topic": self._client.topic, "heartbeat_s": self._heartbeat_s, "gaps": gaps}
        await self._send({**hello, "unknown_cameras": self._unknown_cameras, "positions": self._resume_ids()})

    async def _send_heartbeat(self) -> None:
        queue = "unavailable" if self._hub.outage.away else "ok"
        now = iso(time.time_ns() // 1_000_000)
        await self._send({"type": "heartbeat", "t": now, "queue": queue, "positions": self._resume_ids()})

    async def _replay(self) -> None:
        for stream in list(self._positions):
            while True:
                entries = await self._streams.between(stream, self._positions[stream], _PAGE)
                for entry in entries:
                    await self._send_entry(stream, entry)
                if len(entries) < _PAGE:
                    break

    async def _send_entry(self, stream: str, entry: Entry) -> None:
        item = self._item_of(stream, entry)
        if item is not None and self._client.may_receive(item.camera_id):
            await self._send_item(item)
        self._positions[stream] = entry[0].decode()

    async def _send_item(self, item: Item) -> None:
        if not self._was_sent(item):
            await self._websocket.send_text(item.text)
            self._positions[item.stream] = item.entry_id

    def _was_sent(self, item: Item) -> bool:
        position = self._positions.get(item.stream)
        return position is not None and entry_order(item.entry_id) <= entry_order(position)

    def _resume_ids(self) -> list[str]:
        """The ids to resume after, one per stream."""
        return [self._id_of(stream, entry_id) for stream, entry_id in self._positions.items()]

    async def _send(self, message: dict[str, object]) -> None:
        await self._websocket.send_text(json.dumps(message, separators=(",", ":")))
