"""Two UDP ports on this machine's loopback that receive one publisher's RTP and RTCP, and nobody else's packets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

_TRIES = 32
_RECEIVE_BUFFER_BYTES = 1 << 20  # All packets of a key frame arrive at once.


class UdpPortPair:
    """``on_packet`` receives whether a packet is RTCP, and the packet. Open it with `open`, close it with `close`."""

    def __init__(self, own_host: str, peer_host: str, peer_ports: tuple[int, int]) -> None:
        self._own_host = own_host
        self._peer_host = peer_host
        self._peer_ports = peer_ports
        self._transports: list[asyncio.DatagramTransport] = []
        self.ports = (0, 0)

    async def open(self, on_packet: Callable[[bool, bytes], None]) -> None:
        """Raises `OSError` when no two neighbouring ports are free, or the peer's ports are invalid."""
        sockets = _neighbours(self._own_host)
        self.ports = (sockets[0].getsockname()[1], sockets[1].getsockname()[1])
        try:
            for rtcp, udp in enumerate(sockets):
                udp.connect((self._peer_host, self._peer_ports[rtcp]))  # The kernel drops what others send.
                await self._receive(udp, bool(rtcp), on_packet)
        except OSError:
            for udp in sockets:
                udp.close()
            self.close()
            raise

    async def _receive(self, udp: socket.socket, rtcp: bool, on_packet: Callable[[bool, bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        peer = (self._peer_host, self._peer_ports[rtcp])
        transport, _ = await loop.create_datagram_endpoint(lambda: _Receiver(peer, rtcp, on_packet), sock=udp)
        self._transports.append(transport)

    def send_report(self, payload: bytes) -> None:
        """Send RTCP to the publisher."""
        self._transports[1].sendto(payload)

    def close(self) -> None:
        for transport in self._transports:
            transport.abort()
        self._transports.clear()


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, peer: tuple[str, int], rtcp: bool, on_packet: Callable[[bool, bytes], None]) -> None:
        self._peer = peer
        self._rtcp = rtcp
        self._on_packet = on_packet

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        if address[:2] == self._peer:  # Others may have sent between binding and connecting.
            self._on_packet(self._rtcp, data)


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
    udp = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        udp.bind((host, port))
    except OSError:
        udp.close()
        raise
    return udp
