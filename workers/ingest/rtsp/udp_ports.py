"""Two UDP ports on this machine's loopback that take one publisher's RTP and RTCP, and nothing of anybody else."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

_TRIES = 32
_RECEIVE_BUFFER_BYTES = 1 << 20  # a key frame comes at once


class UdpPortPair:
    """``take`` is given whether a packet is RTCP, and the packet. Open it with `open`, close it with `close`."""

    def __init__(self, own_host: str, peer_host: str, peer_ports: tuple[int, int]) -> None:
        self._own_host = own_host
        self._peer_host = peer_host
        self._peer_ports = peer_ports
        self._transports: list[asyncio.DatagramTransport] = []
        self.ports = (0, 0)

    async def open(self, take: Callable[[bool, bytes], None]) -> None:
        """Raises `OSError` when no two neighbouring ports are free, or the peer's ports are none."""
        sockets = _neighbours(self._own_host)
        self.ports = (sockets[0].getsockname()[1], sockets[1].getsockname()[1])
        try:
            for rtcp, one in enumerate(sockets):
                one.connect((self._peer_host, self._peer_ports[rtcp]))  # the kernel drops what others send
                await self._receive(one, bool(rtcp), take)
        except OSError:
            for one in sockets:
                one.close()
            self.close()
            raise

    async def _receive(self, one: socket.socket, rtcp: bool, take: Callable[[bool, bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        peer = (self._peer_host, self._peer_ports[rtcp])
        transport, _ = await loop.create_datagram_endpoint(lambda: _Receiver(peer, rtcp, take), sock=one)
        self._transports.append(transport)

    def send_report(self, payload: bytes) -> None:
        """RTCP to the publisher."""
        self._transports[1].sendto(payload)

    def close(self) -> None:
        for transport in self._transports:
            transport.abort()
        self._transports.clear()


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, peer: tuple[str, int], rtcp: bool, take: Callable[[bool, bytes], None]) -> None:
        self._peer = peer
        self._rtcp = rtcp
        self._take = take

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        if address[:2] == self._peer:  # what came between binding and connecting may be of others
            self._take(self._rtcp, data)


def _neighbours(host: str) -> tuple[socket.socket, socket.socket]:
    """RTP takes an even port, RTCP the next."""
    for _ in range(_TRIES):
        first = _bound(host, 0)
        port: int = first.getsockname()[1]
        try:
            if port % 2 == 0:
                return first, _bound(host, port + 1)
        except OSError:
            pass
        first.close()
    raise OSError("no two neighbouring UDP ports are free")


def _bound(host: str, port: int) -> socket.socket:
    one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        one.bind((host, port))
    except OSError:
        one.close()
        raise
    return one
