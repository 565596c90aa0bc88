"""Which IP addresses users may have us connect to: the one guard against SSRF, for cameras, webhooks and channels.

Nobody shall reach through us what only this machine may reach. A name is judged by the addresses that it resolves to,
at the moment of connecting; judging it earlier is a courtesy.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from patchwatch.contract.errors import DestinationForbiddenError

Address = IPv4Address | IPv6Address


class Reach(IntEnum):
    """How near an address may be; each step allows those before it."""

    PUBLIC = 0
    PRIVATE = 1
    LOOPBACK = 2


def _networks(*texts: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


# Services of clouds that hand out credentials to whatever runs on a machine, outside the link-local networks: Oracle
# (and all else of IETF's own block), Azure's host, Alibaba; over IPv6 AWS (all of what it keeps for its instances'
# services), Google, Oracle, Scaleway, Linode.
_METADATA = _networks(
    "192.0.0.0/24", "168.63.129.16/32", "100.100.100.200/32",
    "fd00:ec2::/32", "fd20:ce::/64", "fd00:c1::/64", "fd00:42::/64", "fd00:a9fe:a9fe::/64",
)  # fmt: skip
_THIS_NETWORK = IPv4Network("0.0.0.0/8")
_PRIVATE = _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # all that is assigned of IPv6's public addresses
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")  # RFC 8215: where in it the IPv4 address lies is the site's choice
_COMPATIBLE = IPv6Network("::/96")  # RFC 4291, 2.5.5.1
_ISATAP = (0x5EFE, 0x02005EFE)  # RFC 5214: the interface's half begins so
_LOW = 0xFFFFFFFF


def parse(address: str) -> Address:
    """An address as the resolver writes it, be it with a zone (``fe80::1%eth0``). Raises ValueError."""
    return ipaddress.ip_address(address.partition("%")[0])


def network_of(host: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 one. Other text is returned as is."""
    try:
        address = parse(host)
    except ValueError:
        return host
    if isinstance(address, IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))


def is_forbidden(address: str) -> bool:
    """Whether it means this machine's surroundings rather than another machine: link-local, multicast, unspecified,
    reserved, or a cloud's metadata service; also an IPv6 address by which one of these is reached."""
    return any(_forbids(ip) for ip in _meanings(parse(address)))


def reach_of(address: str) -> Reach | None:
    """What a setting must allow for this IP address; None when it is never allowed: forbidden, or of no use."""
    if is_forbidden(address):
        return None
    reaches = [_reach(ip) for ip in _reached(parse(address))]
    return None if None in reaches else max(reach for reach in reaches if reach is not None)


def allowed_addresses(addresses: Iterable[str], reach: str) -> list[str]:
    """Those of a host's addresses that may be connected to; ``reach`` is `Settings.webhook_reach`.

    Raises `DestinationForbiddenError` when none is left.
    """
    widest = Reach[reach.upper()]
    judged = [(address, reach_of(address)) for address in addresses]
    reachable = [address for address, needed in judged if needed is not None and needed <= widest]
    if not reachable:
        needs = min((needed for _, needed in judged if needed is not None), default=None)
        raise DestinationForbiddenError(
            "alerts are never sent to link-local, metadata, multicast or reserved addresses"
            if needs is None
            else f"alerts are not sent to {needs.name.lower()} addresses: "
            f"start Patchwatch with PATCHWATCH_WEBHOOK_REACH={needs.name.lower()} to allow it"
        )
    return reachable


def _forbids(ip: Address) -> bool:
    if isinstance(ip, IPv4Address):
        return _unusable(ip) or ip.is_reserved or ip in _THIS_NETWORK
    return _unusable(ip)


def _unusable(ip: Address) -> bool:
    return ip.is_link_local or ip.is_multicast or ip.is_unspecified or any(ip in network for network in _METADATA)


def _reach(ip: Address) -> Reach | None:
    if ip.is_loopback:
        return Reach.LOOPBACK
    if any(ip in network for network in _PRIVATE):
        return Reach.PRIVATE
    public = ip.is_global and (isinstance(ip, IPv4Address) or ip in _GLOBAL_UNICAST)
    return Reach.PUBLIC if public else None


def _meanings(ip: Address) -> Iterator[Address]:
    """The address, and those that it may stand for."""
    yield ip
    if isinstance(ip, IPv6Address):
        yield from _inner(ip)


def _reached(ip: Address) -> list[Address]:
    """The addresses that a packet to this one ends at."""
    inner: list[Address] = list(_inner(ip)) if isinstance(ip, IPv6Address) and not ip.is_loopback else []
    if isinstance(ip, IPv6Address) and _is_isatap(ip):
        return [ip, *inner]  # only a router of ISATAP goes by the IPv4 address; for all others it is any host's
    return inner or [ip]


def _is_isatap(ip: IPv6Address) -> bool:
    return int(ip) >> 32 & _LOW in _ISATAP


def _inner(ip: IPv6Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that an IPv6 address embeds."""
    number = int(ip)
    if ip.ipv4_mapped is not None:
        yield ip.ipv4_mapped
    elif ip.sixtofour is not None:
        yield ip.sixtofour
    elif ip.teredo is not None:
        yield from ip.teredo
    elif ip in _NAT64 or (ip in _COMPATIBLE and number > 1):
        yield IPv4Address(number & _LOW)
    elif ip in _LOCAL_NAT64:
        high = (number >> 64 & 0xFFFF) << 16 | number >> 40 & 0xFFFF  # 16 bits, 8 reserved, 16 bits
        yield from (IPv4Address(part) for part in {number & _LOW, high} if part)
    elif _is_isatap(ip):
        yield IPv4Address(number & _LOW)
