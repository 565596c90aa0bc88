"""Strangers at the rtsp_server: bounded in number, in guesses, in log lines, in memory; cameras get in all the same."""

from __future__ import annotations

import asyncio
import logging

import pytest
from credentials import basic
from pydantic import SecretStr
from rtsp_peer import Peer, StandIn, endpoint

from patchwatch.messages.cameras.camera import Camera
from workers.ingest.rtsp.peer_limits import PeerLimits
from workers.rtsp.pending_connections import MAX_PENDING

LOCKED = Camera(id="cam", publish_username="ann", publish_password=SecretStr("p"))


def test_password_attempts_refill_one_by_one() -> None:
    now_s = 0.0
    peers = PeerLimits(lambda: now_s)
    for _ in range(10):
        assert peers.may_try("10.0.0.1", "cam")
        peers.record_failure("10.0.0.1", "cam")
    assert not peers.may_try("10.0.0.1", "cam")
    assert peers.may_try("10.0.0.2", "cam")
    now_s = 6.1
    assert peers.may_try("10.0.0.1", "cam")
    peers.record_failure("10.0.0.1", "cam")
    assert not peers.may_try("10.0.0.1", "cam")
    now_s = 1000.0
    for _ in range(10):
        assert peers.may_try("10.0.0.1", "cam")
        peers.record_failure("10.0.0.1", "cam")
    assert not peers.may_try("10.0.0.1", "cam")


def test_wrong_passwords_of_others_behind_an_address_do_not_count_against_a_camera_that_published() -> None:
    peers = PeerLimits(lambda: 0.0)
    peers.record_success("172.17.0.1", "cam")
    for _ in range(10):
        peers.record_failure("172.17.0.1", "other")
    assert not peers.may_try("172.17.0.1", "other")
    assert peers.may_try("172.17.0.1", "cam")
    for _ in range(10):
        peers.record_failure("172.17.0.1", "cam")
    assert not peers.may_try("172.17.0.1", "cam")


def test_only_so_many_addresses_are_remembered() -> None:
    peers = PeerLimits()
    for number in range(5000):
        host = f"10.0.{number // 256}.{number % 256}"
        peers.record_failure(host, "cam")
        peers.record_success(host, "cam")
    assert len(peers._refilled_s) == len(peers._trusted) == len(peers._cameras) == 4096
    assert not peers.is_trusted("10.0.0.0")
    assert peers.is_trusted(host)


async def test_a_crowd_of_silent_strangers_is_closed_in_seconds_and_keeps_no_camera_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="patchwatch.ingest")
    cameras = StandIn({"cam": LOCKED})
    async with endpoint(cameras) as rtsp_server:
        crowd = [await Peer.to(rtsp_server.port, host=f"127.0.1.{1 + number}") for number in range(3 * MAX_PENDING)]
        camera = await Peer.to(rtsp_server.port)
        assert (await camera.announce()).status == 401
        crowd += [await Peer.to(rtsp_server.port, host=f"127.0.2.{1 + number}") for number in range(10)]
        assert (await camera.announce(Authorization=basic("ann", "p"))).status == 200
        assert (await camera.ask("SETUP", "/streamid=0", Transport="RTP/AVP/TCP;interleaved=0-1")).status == 200
        assert (await camera.ask("RECORD")).status == 200
        answers = await asyncio.gather(*(stranger.end() for stranger in crowd))
    assert b"503 Try again - too many connections wait" in answers[0]
    assert b"400 no complete request within 2 s" in answers[-1]
    assert len(caplog.records) < 80


async def test_refused_connections_that_stay_open_are_bounded_too() -> None:
    async with endpoint(StandIn({"cam": LOCKED})) as rtsp_server:
        peers = [await Peer.to(rtsp_server.port) for _ in range(100)]
        for peer in peers:
            peer.writer.write(b"GET / HTTP/1.1\r\n\r\n")
            await asyncio.sleep(0)
        assert (await peers[-1].answer()).status == 400
        assert len(rtsp_server._connections) <= 20
        answers = await asyncio.gather(*(peer.end() for peer in peers[:50]))
        assert all(answer.count(b"RTSP/1.0") <= 1 for answer in answers)


async def test_a_camera_that_has_published_before_is_accepted_despite_any_crowd() -> None:
    cameras = StandIn({"cam": LOCKED})
    async with endpoint(cameras) as rtsp_server:
        camera = await Peer.to(rtsp_server.port)
        await camera.announce(Authorization=basic("ann", "p"))
        again = await Peer.to(rtsp_server.port)
        assert (await again.ask("OPTIONS")).status == 200
        for number in range(2 * MAX_PENDING):
            await Peer.to(rtsp_server.port, host=f"127.0.1.{1 + number}")
        assert (await again.announce(Authorization=basic("ann", "p"))).status == 200


async def test_a_stranger_that_goes_on_asking_is_closed_as_well() -> None:
    async with endpoint(StandIn({"cam": LOCKED})) as rtsp_server:
        loop, peer = asyncio.get_running_loop(), await Peer.to(rtsp_server.port)
        began_s = loop.time()
        for _ in range(1000):
            answer = await peer.ask("OPTIONS")
            if answer.status != 200:
                break
            await asyncio.sleep(0.2)
        assert answer.reason == "Try again - nothing was published within 8 s"
        assert await peer.end() == b""
        assert 6 < loop.time() - began_s < 15


@pytest.mark.parametrize(
    ("flood", "answers"),
    [
        (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", 101),
        (b"ANNOUNCE rtsp://h/cam RTSP/1.0\r\nCSeq: 1\r\nAuthorization: Digest a=b\r\n\r\n", 3),
        (b"$\0\0\0", 1),
        (b"RTSP/1.0 200 OK\r\n\r\n", 1),
    ],
)
async def test_a_flood_is_cut_off_after_a_few_answers(flood: bytes, answers: int) -> None:
    async with endpoint(StandIn({"cam": LOCKED})) as rtsp_server:
        peer = await Peer.to(rtsp_server.port)
        peer.writer.write(flood * (200_000 // len(flood)))
        assert (await peer.end()).count(b"Server: Patchwatch") == answers


async def test_a_publisher_that_does_not_read_its_answers_is_closed() -> None:
    async with endpoint(StandIn({"cam": LOCKED})) as rtsp_server:
        peer = await Peer.to(rtsp_server.port)
        flood = b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n" * 50

        async def flooding() -> None:
            async with asyncio.timeout(20):
                while True:
                    peer.writer.write(flood)
                    await peer.writer.drain()

        with pytest.raises(ConnectionError):
            await flooding()
