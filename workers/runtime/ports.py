"""Ports to listen on: checked before anything starts, so that the message names the setting."""

from __future__ import annotations

import errno
import socket

from patchwatch.contract.errors import ConfigurationError, PortTakenError


def check_free(host: str, port: int, setting: str) -> int:
    """The port itself, or a free one for 0. Raises `PortTakenError` or `ConfigurationError` naming ``setting``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections in TIME_WAIT do not matter
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTakenError(
                    f"port {port} on {host} is taken by another program: stop it, or choose another with {setting}"
                ) from None
            raise ConfigurationError(
                f"cannot listen on {host} port {port} ({error.strerror or error}): choose another with {setting}"
            ) from None
        return int(probe.getsockname()[1])
