"""A client that sends any bytes and reads until the other side closes."""

from __future__ import annotations

import contextlib
import socket

_PATIENCE_S = 0.15


def exchange(address: tuple[str, int], sent: bytes, *, within_s: float = 10.0) -> bytes:
    """What came back. To whoever is silent for a while, waiting for more, the end of what is sent is announced.

    Raises `TimeoutError` when the connection is still open and silent ``within_s`` after that.
    """
    received = bytearray()
    with socket.create_connection(address, timeout=within_s) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(sent)
        connection.settimeout(_PATIENCE_S)
        try:
            _read(connection, received)
        except TimeoutError:
            connection.settimeout(within_s)
            connection.shutdown(socket.SHUT_WR)
            _read(connection, received)
    return bytes(received)


def _read(connection: socket.socket, received: bytearray) -> None:
    while data := connection.recv(65536):
        received += data
