"""Which addresses a webhook may be sent to: nobody shall reach through us what only this machine may reach.

A name is judged by the addresses it resolves to, at the moment of connecting; judging it earlier is a courtesy.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from patchwatch.errors import DestinationForbiddenError


class Reach(IntEnum):
    """How near an address may be; each step allows those before it."""

    PUBLIC = 0
    PRIVATE = 1
    LOOPBACK = 2


def _networks(*texts: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


# Metadata services of clouds that lie outside the link-local networks: AWS (IPv6), Alibaba, Oracle.
_METADATA = _networks("fd00:ec2::254/128", "100.100.100.200/32", "192.0.0.192/32")
_PRIVATE = _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")  # all that is assigned of IPv6's public addresses
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def reach_of(address: str) -> Reach | None:
    """What a setting must allow for this IP address; None when it is never allowed: link-local with the metadata
    services of clouds, unspecified, multicast, reserved."""
    ip = _innermost(ipaddress.ip_address(address.partition("%")[0]))
    if any(ip in network for network in _METADATA):
        return None
    if ip.is_loopback:
        return Reach.LOOPBACK
    if any(ip in network for network in _PRIVATE):
        return Reach.PRIVATE
    public = ip.is_global and not ip.is_multicast and (isinstance(ip, IPv4Address) or ip in _GLOBAL_UNICAST)
    return Reach.PUBLIC if public else None


def allowed(addresses: Iterable[str], reach: str) -> list[str]:
    """Those of a host's addresses that may be connected to; ``reach`` is `Settings.webhook_reach`.

    Raises `DestinationForbiddenError` when none is left.
    """
    widest = Reach[reach.upper()]
    judged = [(address, reach_of(address)) for address in addresses]
    found = [address for address, needed in judged if needed is not None and needed <= widest]
    if not found:
        needs = min((needed for _, needed in judged if needed is not None), default=None)
        raise DestinationForbiddenError(
            "webhooks are never sent to link-local, metadata, multicast or reserved addresses"
            if needs is None
            else f"webhooks are not sent to {needs.name.lower()} addresses: "
            f"set PATCHWATCH_WEBHOOK_REACH={needs.name.lower()} to allow it"
        )
    return found


def _innermost(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
