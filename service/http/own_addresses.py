"""The addresses by which browsers reach this machine, where the service listens on all of them."""

from __future__ import annotations

import ipaddress
import socket

import psutil

_EVERYWHERE = ("0.0.0.0", "[::]")  # noqa: S104 - compared only
_MOST_ADDRESSES = 4  # beside the name: a machine with containers has dozens


def openable(address: str) -> list[str]:
    """With this machine's name, and the addresses it has in its networks, in place of one that means all of them: a
    phone knows the name seldom. At least one."""
    for everywhere in _EVERYWHERE:
        if f"//{everywhere}:" in address:
            hosts = [socket.gethostname(), *_own_addresses()]
            return [address.replace(f"//{everywhere}:", f"//{host}:") for host in hosts]
    return [address]


def _own_addresses() -> list[str]:
    found = [each.address for of in psutil.net_if_addrs().values() for each in of if each.family is socket.AF_INET]
    outward = [each for each in map(ipaddress.ip_address, found) if not (each.is_loopback or each.is_link_local)]
    return [str(each) for each in outward[:_MOST_ADDRESSES]]
