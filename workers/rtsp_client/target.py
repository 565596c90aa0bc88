"""The parts of an RTSP URL: where a pulled camera is, and the credentials for it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

from patchwatch.contract.errors import SourceRejectedError
from patchwatch.contract.redaction import redact
from patchwatch.messages.cameras.capture_status import Reason
from workers.rtsp_client.challenge import Credentials

_PORTS = {"rtsp": 554, "rtsps": 322}
_LONGEST = 4096  # Characters; a longer URL is cut.


@dataclass(frozen=True)
class Target:
    """``path`` includes the query. ``display_url``: the URL without its secrets, for messages and logs."""

    secure: bool
    host: str
    port: int
    path: str
    display_url: str
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
        """Scheme, host and port, as requests name them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'rtsps' if self.secure else 'rtsp'}://{host}:{self.port}"

    def redirected(self, location: str) -> Target:
        """The target of a redirect. The credentials go along only to the same host and port, and never from an
        encrypted connection to a plain one. Raises `SourceRejectedError`."""
        target = Target.parse(self.base + location if location.startswith("/") else location)
        target = replace(target, display_url=f"{target.display_url} (where {self.display_url} sends us)")
        same_host = (target.host, target.port) == (self.host, self.port) and target.secure >= self.secure
        if target.credentials is None and same_host:
            return replace(target, credentials=self.credentials)
        return target
