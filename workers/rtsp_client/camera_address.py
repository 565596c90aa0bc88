"""Which addresses a camera may have. A name that a user may set must not lead to what only this machine can reach."""

from __future__ import annotations

import socket

from patchwatch.contract.address_policy import is_forbidden
from patchwatch.contract.errors import SourceRejectedError, SourceUnavailableError
from patchwatch.messages.capture_status import Reason

_MOST_ADDRESSES = 8  # of one name that are tried


def camera_addresses(host: str, port: int, shown: str, *, allow_link_local: bool = False) -> list[str]:
    """The addresses of a camera's host, each of them checked: connect to one of these and to nothing else, as another
    look-up of the name may lead elsewhere.

    Private and loopback addresses are ordinary for cameras. ``shown``: the source without its secrets. Raises
    `SourceRejectedError` when any of the addresses is forbidden, `SourceUnavailableError` when there is none.
    """
    found = _resolved(host, port, shown)
    for address in found:
        if not allow_link_local and is_forbidden(address):
            raise SourceRejectedError(
                f"{shown} leads to {address}, a link-local, multicast or metadata address: correct the source, "
                "or set PATCHWATCH_ALLOW_LINK_LOCAL_SOURCES=true if the camera is really there",
                Reason.FORBIDDEN_ADDRESS,
            )
    return found[:_MOST_ADDRESSES]


def _resolved(host: str, port: int, shown: str) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no host name"
        raise SourceUnavailableError(
            f"{shown} cannot be reached ({why}): check the host name and the network", Reason.UNREACHABLE
        ) from None
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
