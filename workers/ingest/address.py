"""Which addresses a camera may have. A name that a user may set must not lead to what only this machine can reach."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from patchwatch.errors import SourceRejectedError
from patchwatch.messages.source import redact
from patchwatch.messages.status import Reason

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Services of clouds that hand out credentials, outside the link-local networks.
_METADATA = {ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("100.100.100.200")}
_THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # NAT64 (RFC 6052): the last 32 bits are an IPv4 address


def check_address(url: str) -> None:
    """Resolve a URL's host as FFmpeg will, and check every address it has.

    Private and loopback addresses are ordinary for cameras; link-local, multicast, broadcast, unspecified and cloud
    metadata addresses are refused. A name that cannot be resolved passes: connecting says so better.
    Raises `SourceRejectedError`.
    """
    host = urlsplit(url).hostname or ""
    for address in _resolved(host):
        if _forbidden(address):
            raise SourceRejectedError(
                f"{redact(url)} leads to {address}, a link-local, multicast or metadata address: correct the source, "
                "or set PATCHWATCH_ALLOW_LINK_LOCAL_SOURCES=true if the camera is really there",
                Reason.FORBIDDEN_ADDRESS,
            )


def _resolved(host: str) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [ipaddress.ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found]


def _forbidden(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        within = address.ipv4_mapped or address.sixtofour
        if address in _TRANSLATED:
            within = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if within is not None and _forbidden(within):
            return True
    unusable = address.is_link_local or address.is_multicast or address.is_unspecified
    if isinstance(address, ipaddress.IPv4Address):
        unusable |= address.is_reserved or address in _THIS_NETWORK
    return unusable or address in _METADATA
