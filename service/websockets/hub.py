"""One reader of Redis per process, whatever the number of clients.

With one blocking XREAD the hub follows the stream of alerts and, while any client wants scores, the score streams of
all cameras. Each entry is encoded once and offered to every client.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import redis

from patchwatch.bus import keys
from patchwatch.bus.outage_log import OutageLog
from patchwatch.bus.streams import Entry
from patchwatch.contract.errors import BusUnavailableError
from service.store.cameras.cameras import CameraStore
from service.store.streams import START, StreamStore
from service.websockets.client import Client, Item, Topic
from service.websockets.item import alert_item, score_item

_READ_AT_ONCE = 200  # entries per stream
_RETRY_S = 0.5
_PAUSE_OF_A_STREAM_S = 0.0001  # some ten times what it takes to ask for one
_LONGEST_PAUSE_S = 0.25


def pause_s(streams: int) -> float:
    """How long entries gather before so many streams are read again. Redis and this process look at each stream when
    one of them has an entry, and with thousands of cameras one always has."""
    return min(_LONGEST_PAUSE_S, _PAUSE_OF_A_STREAM_S * streams)


class Hub:
    """Starts to read when the first client joins, and stops when the last one leaves."""

    def __init__(self, streams: StreamStore, cameras: CameraStore, base: str = "") -> None:
        """``base``: the beginning of links in alerts."""
        self.outage = OutageLog("WebSockets stay silent until it is back")
        self.reading: asyncio.Task[None] | None = None
        self._streams = streams
        self._cameras = cameras
        self._base = base
        self._clients: set[Client] = set()
        self._positions: dict[str, str] = {}  # stream -> last entry read
        self._camera_of: dict[str, str] = {}  # score stream -> camera id
        self._revision: int | None = None
        self._joining = asyncio.Lock()

    def clients_by_topic(self) -> dict[str, int]:
        counts = Counter(client.topic.value for client in self._clients)
        return {topic.value: counts[topic.value] for topic in Topic}

    def followed(self, client: Client) -> list[str]:
        """The streams that may hold entries for a client."""
        if client.topic is Topic.ALERTS:
            return [keys.ALERTS]
        return [stream for stream, camera_id in self._camera_of.items() if client.may_receive(camera_id)]

    async def join(self, client: Client) -> asyncio.Task[None]:
        """Offer the client every entry from now on. Raises `BusUnavailableError`.

        The returned task reads for all clients. It ends when no client is left, or by a defect.
        """
        async with self._joining:
            if keys.ALERTS not in self._positions:
                self._positions |= await self._streams.ends([keys.ALERTS])
            if client.topic is Topic.SCORES and self._revision is None:
                await self._load_cameras()
            self._clients.add(client)
            if self.reading is None or self.reading.done():
                self.reading = asyncio.create_task(self._read(), name="websocket-hub")
            return self.reading

    async def leave(self, client: Client) -> None:
        self._clients.discard(client)
        if not self._clients:
            await self.stop()

    async def stop(self) -> None:
        """Stop reading and forget all positions, unless a client is left."""
        async with self._joining:
            if self._clients or self.reading is None:
                return
            self.reading.cancel()
            await asyncio.gather(self.reading, return_exceptions=True)
            self.reading = None
            self._positions.clear()
            self._camera_of.clear()
            self._revision = None

    async def _read(self) -> None:
        while self._clients:
            try:
                await self._read_once()
                self.outage.answered()
                await asyncio.sleep(pause_s(len(self._positions)))
            except (BusUnavailableError, redis.ResponseError) as error:
                if not self._clients:
                    return  # redis-py reports our own cancellation as a lost connection
                self.outage.failed(error)
                await asyncio.sleep(_RETRY_S)

    async def _read_once(self) -> None:
        if any(client.topic is Topic.SCORES for client in self._clients):
            await self._update_cameras()
        for stream, entries in (await self._streams.follow(self._positions, _READ_AT_ONCE)).items():
            for entry in entries:
                self._offer(stream, entry)
            self._positions[stream] = entries[-1][0].decode()

    async def _update_cameras(self) -> None:
        async with self._joining:
            if await self._streams.cameras_revision() != self._revision:
                await self._load_cameras()

    async def _load_cameras(self) -> None:
        """Follow the scores of all cameras. The first time from now on; cameras added later from their first score."""
        first = self._revision is None
        revision = await self._streams.cameras_revision()
        camera_of = {self._streams.scores(camera_id): camera_id for camera_id in await self._cameras.ids()}
        new = [stream for stream in camera_of if stream not in self._positions]
        starts = await self._streams.ends(new) if first else dict.fromkeys(new, START)
        for removed in self._camera_of.keys() - camera_of.keys():
            self._positions.pop(removed, None)
        self._positions |= starts
        self._camera_of = camera_of
        self._revision = revision

    def _offer(self, stream: str, entry: Entry) -> None:
        topic = Topic.ALERTS if stream == keys.ALERTS else Topic.SCORES
        clients = [client for client in self._clients if client.topic is topic]
        item = self._item(stream, entry) if clients else None
        if item is not None:
            for client in clients:
                client.offer(item)

    def _item(self, stream: str, entry: Entry) -> Item | None:
        if stream == keys.ALERTS:
            return alert_item(stream, entry, self._base)
        return score_item(stream, self._camera_of[stream], entry)
