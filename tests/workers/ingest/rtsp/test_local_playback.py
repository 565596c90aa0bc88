"""The way from a publisher to its capture process is open to that process alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from credentials import basic
from rtsp_peer import HEAD, VIDEO, Peer, StandIn, endpoint, player_of

from patchwatch.contract.redaction import redact
from patchwatch.messages.cameras.camera import Camera
from workers.ingest.rtsp.local_playback import PlaybackServer
from workers.ingest.rtsp.sdp import parse_tracks
from workers.ingest.rtsp.server import RtspServer


@pytest.fixture
async def server() -> AsyncIterator[PlaybackServer]:
    async with PlaybackServer() as opened:
        yield opened


@pytest.fixture
async def rtsp_server() -> AsyncIterator[RtspServer]:
    async with endpoint(StandIn({"cam": Camera(id="cam")})) as opened:
        yield opened


async def test_only_a_client_with_the_password_plays(rtsp_server: RtspServer) -> None:
    publisher = await Peer.to(rtsp_server.port)
    await publisher.publish()
    port = rtsp_server._playbacks.port
    for name in ("cam", "nobody"):
        stranger = await Peer.to(port, name)
        answer = await stranger.ask("DESCRIBE")
        assert (answer.status, answer.headers["www-authenticate"].partition(" ")[0]) == (401, "Digest")
        assert (await stranger.ask("SETUP", "/track0", Transport="RTP/AVP/TCP;interleaved=0-1")).status == 455
        assert (await stranger.ask("PLAY")).status == 455
        for _ in range(3):
            answer = await stranger.ask("DESCRIBE", Authorization=basic("capture", "guess"))
        assert answer.status == 401
        assert await stranger.end() == b""


async def test_its_address_is_on_loopback_and_its_password_is_shown_nowhere(server: PlaybackServer) -> None:
    playback = server.offer("cam", parse_tracks((HEAD + VIDEO).encode()), lambda *_: None)
    assert playback.url.endswith(f"@127.0.0.1:{server.port}/cam")
    assert len(playback.password) == 64
    assert playback.password not in redact(f"cannot open {playback.url}: x")


async def test_the_password_of_the_previous_publisher_is_invalid(server: PlaybackServer) -> None:
    video = parse_tracks((HEAD + VIDEO).encode())
    before, now = (server.offer("cam", video, lambda *_: None) for _ in range(2))
    with pytest.raises(AssertionError):
        await player_of(before.url)
    player = await player_of(now.url)
    server.withdraw(before)
    now.queue(0, False, b"picture")
    await now.flush()
    assert await player.packet() == (0, b"picture")
    server.withdraw(now)
    assert await player.end() == b""
    while Peer.opened:
        Peer.opened.pop().close()


async def test_a_stalled_player_costs_udp_packets_not_memory(rtsp_server: RtspServer) -> None:
    publisher = await Peer.to(rtsp_server.port)
    await publisher.publish()
    playback = rtsp_server._playbacks._playbacks["cam"]
    for _ in range(3000):
        playback.send_now(0, False, bytes(60_000))
    assert playback._player is not None
    assert playback._player._writer.transport.get_write_buffer_size() < 1_200_000


async def test_a_crowd_of_local_strangers_keeps_no_capture_out(server: PlaybackServer) -> None:
    playback = server.offer("cam", parse_tracks((HEAD + VIDEO).encode()), lambda *_: None)
    for _ in range(100):
        await Peer.to(server.port)
    await player_of(playback.url)
    assert playback.played.is_set()
    while Peer.opened:
        Peer.opened.pop().close()
    await asyncio.sleep(0)
