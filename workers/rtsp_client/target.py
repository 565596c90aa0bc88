"""Where a pulled camera is, with what it takes to be let in: an RTSP address taken apart."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

from patchwatch.contract.errors import SourceRejectedError
from patchwatch.contract.redaction import redact
from patchwatch.messages.capture_status import Reason
from workers.rtsp_client.challenge import Credentials

_PORTS = {"rtsp": 554, "rtsps": 322}
_LONGEST = 4096


@dataclass(frozen=True)
class Target:
    """``path`` holds the query too. ``shown``: the address without its secrets."""

    secure: bool
    host: str
    port: int
    path: str
    shown: str
    credentials: Credentials | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> Target:
        """Raises `SourceRejectedError`."""
        try:
            parts = urlsplit(url[:_LONGEST])
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise SourceRejectedError(f"{redact(url[:_LONGEST])} is not an RTSP address", Reason.BAD_URL)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        credentials = None
        if parts.username is not None:
            credentials = Credentials(unquote(parts.username), unquote(parts.password or ""))
        return cls(
            parts.scheme == "rtsps", parts.hostname, port or _PORTS[parts.scheme], path,
            redact(url[:_LONGEST]), credentials,
        )  # fmt: skip

    @property
    def base(self) -> str:
        """Scheme, host and port, as they stand in requests."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'rtsps' if self.secure else 'rtsp'}://{host}:{self.port}"

    def redirected(self, location: str) -> Target:
        """Where a camera sends us on to. What it takes to be let in goes along to the same place only, and never from a
        ciphered connection to a plain one. Raises `SourceRejectedError`."""
        there = Target.parse(self.base + location if location.startswith("/") else location)
        there = replace(there, shown=f"{there.shown} (where {self.shown} sends us)")
        same = (there.host, there.port) == (self.host, self.port) and there.secure >= self.secure
        if there.credentials is None and same:
            return replace(there, credentials=self.credentials)
        return there
