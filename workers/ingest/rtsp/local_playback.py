"""Hands a publisher's pictures to its capture process: a small RTSP server on loopback, where FFmpeg plays them.

FFmpeg is the client, which it is good at; the port is ours from the start, and the address holds a password that only
the capture process is told, so nobody else on this machine can take either place.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence

from patchwatch.contract.errors import InvalidMessageError
from workers.ingest.rtsp import sdp
from workers.ingest.rtsp.authentication import Authenticator, new_nonce
from workers.ingest.rtsp.connection import BUFFER_BYTES, Connection
from workers.ingest.rtsp.message import Packet, Request, answer
from workers.ingest.rtsp.transport import offered
from workers.rtsp.pending_connections import PendingConnections

_HOST = "127.0.0.1"
_USER = "capture"
_REQUEST_WITHIN_S = 5.0
_WRONG_PASSWORDS = 3
_PUBLIC = ("Public", "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN")


class Playback:
    """One publisher's pictures on their way. ``url`` holds a password; ``played`` is set once FFmpeg plays, or never
    will. ``on_report`` is given the number of a track and FFmpeg's RTCP for its publisher."""

    def __init__(
        self, camera_id: str, port: int, video: Sequence[sdp.Track], on_report: Callable[[int, bytes], None]
    ) -> None:
        self.camera_id = camera_id
        self.video = video
        self.on_report = on_report
        self.password = secrets.token_hex(32)
        self.url = f"rtsp://{_USER}:{self.password}@{_HOST}:{port}/{camera_id}"
        self.played = asyncio.Event()
        self._player: Connection | None = None
        self._channels: dict[tuple[int, bool], int] = {}
        self._waiting = bytearray()

    def play(self, player: Connection, channels: dict[tuple[int, bool], int]) -> None:
        """``channels``: of each track, of its RTP and its RTCP."""
        self._player, self._channels = player, channels
        self.played.set()

    def put(self, track: int, rtcp: bool, payload: bytes) -> None:
        """A packet to go with the next `flush`."""
        if (channel := self._channel(track, rtcp)) is not None:
            self._waiting += Packet(channel, payload).framed()

    def put_now(self, track: int, rtcp: bool, payload: bytes) -> None:
        """A packet that came over UDP: it goes now or never."""
        channel = self._channel(track, rtcp)
        if channel is not None and self._player is not None:
            self._player.send_now(Packet(channel, payload).framed())

    async def flush(self) -> None:
        """Raises `ConnectionError` when the capture is gone."""
        if self._waiting and self._player is not None:
            data, self._waiting = bytes(self._waiting), bytearray()
            self._player.send_now(data)
            await self._player.drain()

    def _channel(self, track: int, rtcp: bool) -> int | None:
        return self._channels.get((track, rtcp))

    def close(self) -> None:
        """The publisher is gone: FFmpeg finds the end after what was sent."""
        self.played.set()
        if self._player is not None:
            self._player.send_now(bytes(self._waiting))
            self._player.close()
        self._player, self._channels, self._waiting = None, {}, bytearray()


class PlaybackServer:
    """Listens on loopback while its ``async with`` lasts."""

    def __init__(self) -> None:
        self._playbacks: dict[str, Playback] = {}
        self._pending = PendingConnections(per_peer=64)
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> PlaybackServer:
        self._server = await asyncio.start_server(self._connected, _HOST, 0, limit=BUFFER_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def offer(self, camera_id: str, video: Sequence[sdp.Track], on_report: Callable[[int, bytes], None]) -> Playback:
        """From now on this is what the camera's capture process plays."""
        playback = Playback(camera_id, self.port, video, on_report)
        self._playbacks[camera_id] = playback
        return playback

    def withdraw(self, playback: Playback) -> None:
        """It is over; a newer one of the same camera stays."""
        if self._playbacks.get(playback.camera_id) is playback:
            del self._playbacks[playback.camera_id]
        playback.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        player = Connection(reader, writer)
        self._pending.enter(player.host, task, player.close)
        try:
            await _Player(player, self._playbacks, lambda: self._pending.leave(player.host, task)).run()
        except (ConnectionError, InvalidMessageError):
            pass  # it is gone, or no capture of ours
        except asyncio.CancelledError:
            pass  # the server closes: nobody awaits this task's result
        finally:
            self._pending.leave(player.host, task)
            self._connections.discard(task)
            player.close()


class _Player:
    """The dialogue with one FFmpeg: DESCRIBE, SETUP of each track, PLAY, and what keeps a session alive."""

    def __init__(self, connection: Connection, playbacks: dict[str, Playback], proved: Callable[[], None]) -> None:
        self._connection = connection
        self._playbacks = playbacks
        self._proved = proved
        self._nonce = new_nonce()
        self._wrong = 0
        self._playback: Playback | None = None
        self._channels: dict[tuple[int, bool], int] = {}
        self._playing = False

    async def run(self) -> None:
        while (event := await self._connection.next(None if self._playing else _REQUEST_WITHIN_S)) is not None:
            if isinstance(event, Packet):
                self._report(event)
            elif not await self._respond(event):
                return

    def _report(self, packet: Packet) -> None:
        for (track, rtcp), channel in self._channels.items():
            if channel == packet.channel and rtcp and self._playback is not None:
                self._playback.on_report(track, packet.payload)

    async def _respond(self, request: Request) -> bool:
        """Whether the dialogue goes on."""
        status, headers, body = self._reply(request)
        await self._connection.send(answer(status, request.cseq, headers, body=body))
        if request.method == "PLAY" and status == 200:
            assert self._playback is not None
            self._playing = True
            self._playback.play(self._connection, self._channels)
        return request.method != "TEARDOWN" and self._wrong < _WRONG_PASSWORDS

    def _reply(self, request: Request) -> tuple[int, list[tuple[str, str]], bytes]:
        session = ("Session", "1;timeout=60")
        if request.method in ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER", "TEARDOWN"):
            return 200, [_PUBLIC], b""
        if request.method == "DESCRIBE":
            return self._describe(request)
        if self._playback is None:
            return 455, [], b""
        if request.method == "SETUP":
            transport = self._set_up(request)
            return (200, [session, ("Transport", transport)], b"") if transport else (461, [], b"")
        return (200, [session], b"") if request.method == "PLAY" and self._channels else (455, [], b"")

    def _describe(self, request: Request) -> tuple[int, list[tuple[str, str]], bytes]:
        playback = self._playbacks.get(request.camera_id or "")
        gate = (
            Authenticator(_USER, playback.password, self._nonce) if playback else Authenticator.shut_to_all(self._nonce)
        )
        given = request.headers.get("authorization")
        if playback is None or not gate.admits(request.method, request.uri, given):
            self._wrong += given is not None
            return 401, gate.challenges(), b""
        self._proved()
        self._playback = playback
        return 200, [("Content-Type", "application/sdp")], sdp.description(playback.video)

    def _set_up(self, request: Request) -> str:
        assert self._playback is not None
        name = request.uri.rstrip("/").rpartition("/")[2]
        way = next((way for way in offered(request.headers.get("transport", "")) if way.tcp and way.pair), None)
        for track in range(len(self._playback.video)):
            if name == f"track{track}" and way is not None and way.pair is not None:
                self._channels |= {(track, False): way.pair[0], (track, True): way.pair[1]}
                return way.over_channels(way.pair)
        return ""
