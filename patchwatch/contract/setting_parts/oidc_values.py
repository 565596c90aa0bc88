"""Checks of the settings of OpenID Connect, and what their lists hold. Checks raise `ValueError`."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from patchwatch.contract.address_policy import Reach, reach_of

_ISSUER = re.compile(
    r"https?://([A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(:[0-9]{1,5})?(/[A-Za-z0-9._~%+-]{1,255}){0,16}/?"
)
_DOMAIN = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){1,10}")
_ROLES = ("viewer", "operator", "admin")


def check_issuer(value: str) -> str:
    """The address itself, for providers tell a slash at its end apart."""
    if not _ISSUER.fullmatch(value):
        raise ValueError("is not an address like https://HOST or https://HOST/PATH, without a query")
    if not may_be_asked(value):
        raise ValueError(
            "begins with http://, by which anybody on the way could log in: use https://; http:// is for localhost and "
            "for IP addresses of this machine or a private network"
        )
    return value


def may_be_asked(url: str) -> bool:
    """Whether an address of the provider is secure: https, or http to this machine or a private IP address."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return True
    if parts.scheme != "http" or not parts.hostname:
        return False
    return parts.hostname == "localhost" or _is_near(parts.hostname)


def check_groups(value: str) -> str:
    """The text itself."""
    if value and not listed(value):
        raise ValueError("names no group: separate names by ','")
    return value


def check_domains(value: str) -> str:
    """The text itself."""
    for domain in listed(value):
        if not _DOMAIN.fullmatch(domain.lower()):
            raise ValueError(f"{domain[:100]!r} is not a domain like example.org")
    return value


def check_role_map(value: str) -> str:
    """The text itself."""
    role_map(value)
    return value


def role_map(value: str) -> dict[str, str]:
    """The role of each group. Raises `ValueError`."""
    roles: dict[str, str] = {}
    for entry in listed(value):
        group, equals, role = entry.rpartition("=")
        if not (equals and group.strip() and role.strip() in _ROLES):
            raise ValueError(f"{entry[:100]!r} is not GROUP=ROLE with the role viewer, operator or admin")
        roles[group.strip()] = role.strip()
    return roles


def listed(value: str) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in value.split(",") if part.strip()]


def _is_near(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return reach_of(host) in (Reach.PRIVATE, Reach.LOOPBACK)
