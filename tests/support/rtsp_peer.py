"""A publisher, or a player, that says over RTSP exactly what a test tells it to; and a stand-in for the supervisor."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ClassVar

from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import Reason
from workers.ingest.camera_capture import PublisherSlot
from workers.ingest.rtsp.server import RtspServer

VIDEO = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:streamid=0\r\n"
AUDIO = "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/8000/1\r\na=control:streamid=1\r\n"
HEAD = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
TCP = "RTP/AVP/TCP;unicast;interleaved=0-1;mode=record"
WITHIN_S = 10.0


@dataclass(frozen=True)
class Answer:
    status: int
    reason: str
    headers: Mapping[str, str]


class Peer:
    """One connection, closed with the `endpoint` at the latest.

    `ask` sends a request and returns the answer; packets that come meanwhile are in ``packets``.
    """

    opened: ClassVar[list[Peer]] = []

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, camera: str = "cam") -> None:
        self.reader = reader
        self.writer = writer
        self.uri = f"rtsp://127.0.0.1:8554/{camera}"
        self.cseq = 0
        self.packets: list[tuple[int, bytes]] = []
        self.body = b""
        self.opened.append(self)

    @classmethod
    async def to(cls, port: int, camera: str = "cam", host: str = "127.0.0.1") -> Peer:
        """``host``: the address it comes from."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, local_addr=(host, 0)), camera)

    async def ask(
        self, method: str, path: str = "", *, body: str = "", uri: str | None = None, **headers: str
    ) -> Answer:
        self.cseq += 1
        self.writer.write(self.request(method, self.uri + path if uri is None else uri, body, headers))
        return await self.answer()

    def request(self, method: str, uri: str, body: str, headers: Mapping[str, str]) -> bytes:
        lines = [f"{method} {uri} RTSP/1.0", f"CSeq: {self.cseq}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}"] if body else []
        return "\r\n".join([*lines, "", body]).encode()

    async def announce(self, sdp: str = HEAD + VIDEO, **headers: str) -> Answer:
        return await self.ask("ANNOUNCE", body=sdp, Content_Type="application/sdp", **headers)

    async def publish(self, sdp: str = HEAD + VIDEO, transport: str = TCP) -> Answer:
        """ANNOUNCE, SETUP of its first track, RECORD."""
        assert (await self.announce(sdp)).status == 200
        assert (await self.ask("SETUP", "/streamid=0", Transport=transport)).status == 200
        return await self.ask("RECORD")

    async def answer(self) -> Answer:
        async with asyncio.timeout(WITHIN_S):
            while (first := await self.reader.readexactly(1)) == b"$":
                channel, *length = await self.reader.readexactly(3)
                self.packets.append((channel, await self.reader.readexactly(int.from_bytes(length, "big"))))
            head = (first + await self.reader.readuntil(b"\r\n\r\n")).decode()
        status, *lines = head.strip().split("\r\n")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(": ")
            headers.setdefault(name.lower(), value)
        self.body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        _, code, reason = status.split(" ", 2)
        return Answer(int(code), reason, headers)

    async def packet(self) -> tuple[int, bytes]:
        """The next interleaved packet."""
        async with asyncio.timeout(WITHIN_S):
            assert await self.reader.readexactly(1) == b"$"
            channel, *length = await self.reader.readexactly(3)
            return channel, await self.reader.readexactly(int.from_bytes(length, "big"))

    def send(self, channel: int, payload: bytes) -> None:
        self.writer.write(b"$" + bytes([channel]) + len(payload).to_bytes(2, "big") + payload)

    async def end(self) -> bytes:
        """All that comes until the other side closes."""
        async with asyncio.timeout(WITHIN_S):
            with contextlib.suppress(ConnectionError):
                return await self.reader.read()
            return b""

    def close(self) -> None:
        self.writer.close()


async def player_of(url: str) -> Peer:
    """What a capture process does: play ``url`` with its password."""
    result = re.fullmatch(r"rtsp://(\w+):(\w+)@127\.0\.0\.1:(\d+)/(\S+)", url)
    assert result
    user, password, port, camera = result.groups()
    peer = await Peer.to(int(port), camera)
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    assert (await peer.ask("DESCRIBE", Authorization=f"Basic {token}")).status == 200
    tracks = re.findall(r"a=control:(track\d+)", peer.body.decode())
    for number, track in enumerate(tracks):
        transport = f"RTP/AVP/TCP;unicast;interleaved={2 * number}-{2 * number + 1}"
        assert (await peer.ask("SETUP", f"/{track}", Transport=transport)).status == 200
    assert (await peer.ask("PLAY")).status == 200
    return peer


@dataclass
class StandIn:
    """In the supervisor's place: knows ``cameras``, and plays what is published, unless ``plays`` is False."""

    cameras: dict[str, Camera] = field(default_factory=dict)
    plays: bool = True
    slots: list[PublisherSlot] = field(default_factory=list)
    players: list[Peer] = field(default_factory=list)
    refused: list[tuple[str, Reason, str]] = field(default_factory=list)
    refreshed: int = 0

    async def refresh(self) -> None:
        self.refreshed += 1

    async def add_camera(self, camera: Camera) -> None:
        self.cameras[camera.id] = camera

    async def admit(self, camera_id: str, url: str) -> PublisherSlot:
        slot = PublisherSlot(url)
        self.slots.append(slot)
        if self.plays:
            self.players.append(await player_of(url))
        return slot

    def publisher_refused(self, camera_id: str, reason: Reason, detail: str) -> None:
        self.refused.append((camera_id, reason, detail))


@asynccontextmanager
async def endpoint(stand_in: StandIn, **settings: object) -> AsyncIterator[RtspServer]:
    """An endpoint alone, with quick time limits."""
    usual = {"rtsp_port": 0, "redis_url": "redis://127.0.0.1:1/0", "adopt_publishers": "off"}
    chosen: dict[str, object] = {**usual, **settings}
    async with RtspServer(Settings(**chosen), stand_in, request_within_s=2.0) as opened:  # type: ignore[arg-type]
        try:
            yield opened
        finally:
            while Peer.opened:
                peer = Peer.opened.pop()
                peer.writer.transport.abort()
                with contextlib.suppress(ConnectionError):
                    await peer.writer.wait_closed()
