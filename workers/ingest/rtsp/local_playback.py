"""Passes a publisher's video to its capture process: a small RTSP server on loopback that FFmpeg plays from.

The port belongs to us from the start, and the URL holds a password that only the capture process receives, so no other
user of this machine can take either side's place.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence

from patchwatch.contract.errors import InvalidMessageError
from workers.ingest.rtsp import sdp
from workers.ingest.rtsp.authentication import Authenticator, camera_id_of, new_nonce
from workers.ingest.rtsp.connection import Connection
from workers.ingest.rtsp.transport import parse_transports
from workers.rtsp.message import Packet, Request, Response
from workers.rtsp.parser import BUFFER_BYTES
from workers.rtsp.pending_connections import PendingConnections

_HOST = "127.0.0.1"
_USER = "capture"
_REQUEST_WITHIN_S = 5.0
_WRONG_PASSWORDS = 3
_PUBLIC = ("Public", "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN")
_SESSION = ("Session", "1;timeout=60")

Reply = tuple[int, list[tuple[str, str]], bytes]  # Status, headers and body.


class Playback:
    """One publisher's video on its way. ``url`` holds a password; ``played`` is set once FFmpeg plays, or never will.
    ``on_report`` receives the index of a track and FFmpeg's RTCP for its publisher."""

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
        self._queued = bytearray()

    def play(self, player: Connection, channels: dict[tuple[int, bool], int]) -> None:
        """``channels``: by track and RTP (False) or RTCP (True)."""
        self._player, self._channels = player, channels
        self.played.set()

    def queue(self, track: int, rtcp: bool, payload: bytes) -> None:
        """Queue a packet for the next `flush`."""
        if (channel := self._channels.get((track, rtcp))) is not None:
            self._queued += Packet(channel, payload).encode()

    def send_now(self, track: int, rtcp: bool, payload: bytes) -> None:
        """Send a packet that arrived over UDP at once; it is discarded if the player is too far behind."""
        channel = self._channels.get((track, rtcp))
        if channel is not None and self._player is not None:
            self._player.send_now(Packet(channel, payload).encode())

    async def flush(self) -> None:
        """Raises `ConnectionError` when the capture process is gone."""
        if self._queued and self._player is not None:
            data, self._queued = bytes(self._queued), bytearray()
            self._player.send_now(data)
            await self._player.drain()

    def close(self) -> None:
        """The publisher is gone: FFmpeg sees the end of the stream after what was sent."""
        self.played.set()
        if self._player is not None:
            self._player.send_now(bytes(self._queued))
            self._player.close()
        self._player, self._channels, self._queued = None, {}, bytearray()


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
        """End this playback; a newer one of the same camera stays."""
        if self._playbacks.get(playback.camera_id) is playback:
            del self._playbacks[playback.camera_id]
        playback.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        connection = Connection(reader, writer)
        self._pending.add(connection.host, task, connection.close)
        try:
            await _PlayerSession(connection, self._playbacks, lambda: self._pending.remove(connection.host, task)).run()
        except (ConnectionError, InvalidMessageError):
            pass  # The player is gone, or is not one of our captures.
        except asyncio.CancelledError:
            pass  # The server closes: nobody awaits this task's result.
        finally:
            self._pending.remove(connection.host, task)
            self._connections.discard(task)
            connection.close()


class _PlayerSession:
    """Answers one FFmpeg: DESCRIBE, SETUP of each track, PLAY, and keep-alive requests."""

    def __init__(
        self, connection: Connection, playbacks: dict[str, Playback], on_authenticated: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._playbacks = playbacks
        self._on_authenticated = on_authenticated
        self._nonce = new_nonce()
        self._wrong_passwords = 0
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
        """Returns whether the session goes on."""
        status, headers, body = self._reply(request)
        await self._connection.send(Response.from_status(status, request.cseq, headers, body=body))
        if request.method == "PLAY" and status == 200:
            assert self._playback is not None
            self._playing = True
            self._playback.play(self._connection, self._channels)
        return request.method != "TEARDOWN" and self._wrong_passwords < _WRONG_PASSWORDS

    def _reply(self, request: Request) -> Reply:
        if request.method in ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER", "TEARDOWN"):
            return 200, [_PUBLIC], b""
        if request.method == "DESCRIBE":
            return self._describe(request)
        if self._playback is None:
            return 455, [], b""
        if request.method == "SETUP":
            transport = self._set_up(request)
            return (200, [_SESSION, ("Transport", transport)], b"") if transport else (461, [], b"")
        return (200, [_SESSION], b"") if request.method == "PLAY" and self._channels else (455, [], b"")

    def _describe(self, request: Request) -> Reply:
        playback = self._playbacks.get(camera_id_of(request.uri) or "")
        if playback is None:
            authenticator = Authenticator.rejecting_all(self._nonce)
        else:
            authenticator = Authenticator(_USER, playback.password, self._nonce)
        authorization = request.headers.get("Authorization")
        if playback is None or not authenticator.admits(request.method, request.uri, authorization):
            self._wrong_passwords += authorization is not None
            return 401, authenticator.challenges(), b""
        self._on_authenticated()
        self._playback = playback
        return 200, [("Content-Type", "application/sdp")], sdp.describe(playback.video)

    def _set_up(self, request: Request) -> str:
        assert self._playback is not None
        name = request.uri.rstrip("/").rpartition("/")[2]
        for transport in parse_transports(request.headers.get("Transport") or ""):
            if transport.tcp and transport.pair:
                for track in range(len(self._playback.video)):
                    if name == f"track{track}":
                        self._channels |= {(track, False): transport.pair[0], (track, True): transport.pair[1]}
                        return transport.over_channels(transport.pair)
        return ""
