"""The address of a Redis whose primary Sentinels know, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

SCHEMES = ("redis+sentinel", "rediss+sentinel")
DEFAULT_PORT = 26379
_MOST_SENTINELS = 16
_SHAPE = re.compile(
    r"(?P<scheme>rediss?)\+sentinel://(?:(?P<signed>[^@/?#]*)@)?(?P<hosts>[^@/?#]+)/(?P<service>[A-Za-z0-9._-]{1,100})"
    r"(?:/(?P<database>\d{1,5})?)?(?:\?(?P<query>[^@#]*))?"
)
_HOST = re.compile(r"(?P<host>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True)
class SentinelAddress:
    """``sentinels``: hosts with their ports. ``server_url``: what is the same for every server, with user, password,
    database and parameters; its host is none."""

    sentinels: tuple[tuple[str, int], ...]
    service: str
    server_url: str
    tls: bool

    @classmethod
    def from_url(cls, url: str) -> SentinelAddress | None:
        """None for an address of another kind. Raises `ValueError` for a malformed one, without repeating it."""
        if not url.startswith(tuple(f"{scheme}://" for scheme in SCHEMES)):
            return None
        found = _SHAPE.fullmatch(url)
        hosts = [_HOST.fullmatch(host) for host in found["hosts"].split(",")] if found else []
        if found is None or not 1 <= len(hosts) <= _MOST_SENTINELS:
            raise ValueError("no address of Sentinels")
        sentinels = []
        for host in hosts:
            if host is None or not 0 < (port := int(host["port"] or DEFAULT_PORT)) <= 65535:
                raise ValueError("no host of a Sentinel")
            sentinels.append((host["host"].strip("[]"), port))
        signed = f"{found['signed']}@" if found["signed"] else ""
        query = f"?{found['query']}" if found["query"] else ""
        server_url = f"{found['scheme']}://{signed}primary/{found['database'] or 0}{query}"
        return cls(tuple(sentinels), unquote(found["service"]), server_url, found["scheme"] == "rediss")
