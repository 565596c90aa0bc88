"""Publishing over UDP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from ingest_rig import eventually
from rtsp_peer import Peer, StandIn

from workers.ingest.rtsp.server import RtspServer


@pytest.fixture
def ports() -> Iterator[list[socket.socket]]:
    """Two UDP ports of a publisher, and one of a stranger."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(3)]
        for udp in sockets:
            udp.bind(("127.0.0.1", 0))
            udp.settimeout(5)
        yield sockets


async def test_udp_is_accepted_from_the_publishers_own_ports_only(
    rtsp_server: RtspServer, cameras: StandIn, ports: list[socket.socket]
) -> None:
    rtp, rtcp, stranger = ports
    peer = await Peer.to(rtsp_server.port)
    await peer.announce()
    own = f"client_port={rtp.getsockname()[1]}-{rtcp.getsockname()[1]}"
    answer = await peer.ask("SETUP", "/streamid=0", Transport=f"RTP/AVP/UDP;unicast;{own};mode=record")
    first, second = map(int, answer.headers["transport"].split("server_port=")[1].split(";")[0].split("-"))
    assert (first % 2, second) == (0, first + 1)
    assert (await peer.ask("RECORD")).status == 200
    assert listeners(first) == listeners(second) == ["0100007F"]
    stranger.sendto(b"junk", ("127.0.0.1", first))
    rtp.sendto(b"picture", ("127.0.0.1", first))
    assert await cameras.players[0].packet() == (0, b"picture")
    rtcp.sendto(b"report", ("127.0.0.1", second))
    assert await cameras.players[0].packet() == (1, b"report")
    cameras.players[0].send(1, b"back")
    assert await asyncio.to_thread(rtcp.recv, 99) == b"back"
    peer.close()
    await eventually(lambda: not listeners(first) and not listeners(second))


def listeners(port: int) -> list[str]:
    """Addresses on which this machine takes UDP at a port."""
    with open("/proc/net/udp") as table:
        own = (line.split()[1].split(":") for line in table.readlines()[1:])
        return [address for address, number in own if int(number, 16) == port]
