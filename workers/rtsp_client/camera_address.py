"""Which addresses a camera may have. A host name that a user sets must not lead to addresses that only this machine
can reach."""

from __future__ import annotations

import socket

from patchwatch.contract.address_policy import is_forbidden
from patchwatch.contract.errors import SourceRejectedError, SourceUnavailableError
from patchwatch.messages.cameras.capture_status import Reason

_MOST_ADDRESSES = 8  # At most so many addresses of one name are tried.


def camera_addresses(host: str, port: int, display_url: str, *, allow_link_local: bool = False) -> list[str]:
    """The addresses of a camera's host, each of them checked. Connect to one of these and to nothing else: another
    look-up of the name may lead elsewhere.

    Private and loopback addresses are ordinary for cameras. ``display_url``: the source without its secrets. Raises
    `SourceRejectedError` when any of the addresses is forbidden, `SourceUnavailableError` when there is none.
    """
    addresses = _resolve(host, port, display_url)
    for address in addresses:
        if not allow_link_local and is_forbidden(address):
            raise SourceRejectedError(
                f"{display_url} leads to {address}, a link-local, multicast or metadata address: correct the source, "
                "or start Patchwatch with PATCHWATCH_ALLOW_LINK_LOCAL_SOURCES=true if the camera is really there",
                Reason.FORBIDDEN_ADDRESS,
            )
    return addresses[:_MOST_ADDRESSES]


def _resolve(host: str, port: int, display_url: str) -> list[str]:
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no host name"
        raise SourceUnavailableError(
            f"{display_url} cannot be reached ({why}): check the host name and the network", Reason.UNREACHABLE
        ) from None
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in entries))
