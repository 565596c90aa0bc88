"""Packets of a camera reach FFmpeg complete and in order, whatever comes between them and however slowly it reads."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from waiting import PATIENCE_S

from workers.rtsp.message import Packet
from workers.rtsp_client.relay import Relay
from workers.rtsp_client.target import Target
from workers.rtsp_client.tls import TlsOptions

KEEPALIVE = b"RTSP/1.0 200 OK\r\nCSeq: 7\r\n\r\n"
PACKETS = [Packet(0, bytes([number]) * (1 + 97 * number % 1500)).encode() for number in range(200)]


@contextmanager
def relayed() -> Iterator[tuple[socket.socket, socket.socket, Relay]]:
    """A camera that has been asked, and FFmpeg, as sockets."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = Target.parse(f"rtsp://127.0.0.1:{server.getsockname()[1]}/cam")
        with Relay.open(target, TlsOptions(), timeout_s=PATIENCE_S) as relay:
            camera, _ = server.accept()
            port = int(relay.url.split("/")[2].rpartition(":")[2])
            with camera, socket.create_connection(("127.0.0.1", port)) as ffmpeg:
                for end in (camera, ffmpeg):
                    end.settimeout(PATIENCE_S)
                ffmpeg.sendall(f"OPTIONS {relay.url} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
                assert camera.recv(4096).startswith(b"OPTIONS")
                yield camera, ffmpeg, relay


def received(ffmpeg: socket.socket) -> bytes:
    data = bytearray()
    while piece := ffmpeg.recv(1 << 16):
        data += piece
    return bytes(data)


@pytest.mark.parametrize("seed", range(4))
def test_messages_between_packets_keep_their_places_however_it_is_cut(seed: int) -> None:
    choice = random.Random(seed)
    sent = b"".join(packet + KEEPALIVE * (choice.random() < 0.1) for packet in PACKETS)
    with relayed() as (camera, ffmpeg, relay):
        rest = sent
        while rest:
            size = choice.choice((1, 3, 700, 9000))
            camera.sendall(rest[:size])
            rest = rest[size:]
        camera.shutdown(socket.SHUT_WR)
        assert received(ffmpeg) == sent
        assert relay.packets == len(PACKETS)


def test_what_ffmpeg_does_not_read_is_not_heaped_up() -> None:
    sent = b"".join(PACKETS) * 200
    with relayed() as (camera, ffmpeg, relay), ThreadPoolExecutor(1) as pool:
        sending = pool.submit(_send_all, camera, sent)
        before = -1
        while before != relay.packets:  # until nothing moves any more
            before = relay.packets
            time.sleep(0.3)
        assert not sending.done()
        assert 0 < before < len(PACKETS) * 100
        assert received(ffmpeg) == sent


def _send_all(camera: socket.socket, data: bytes) -> None:
    camera.sendall(data)
    camera.shutdown(socket.SHUT_WR)


def test_a_camera_that_closes_in_the_middle_of_a_packet() -> None:
    with relayed() as (camera, ffmpeg, _):
        camera.sendall(PACKETS[3] + PACKETS[4] + PACKETS[5][:40])
        camera.close()
        assert received(ffmpeg) == PACKETS[3] + PACKETS[4]


def test_what_is_not_rtsp_among_packets_ends_the_connection() -> None:
    with relayed() as (camera, ffmpeg, _):
        camera.sendall(PACKETS[3] + b"\0\0\0" + PACKETS[4])
        assert received(ffmpeg) == PACKETS[3]
