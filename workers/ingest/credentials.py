"""Who may publish: HTTP Basic and Digest (RFC 7617, RFC 2617) as RTSP publishers speak them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Self

from patchwatch.messages.camera import Camera
from patchwatch.settings import Settings

REALM = "Patchwatch"
_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')


@dataclass(frozen=True)
class Gate:
    """Checks one connection's credentials. Without a username everybody may pass. Comparisons take constant time."""

    username: str | None
    password: str = field(repr=False)
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))

    @classmethod
    def of(cls, camera: Camera | None, settings: Settings) -> Self:
        """The camera's own credentials, else those of the installation."""
        if camera is not None and camera.publish_username:
            secret = camera.publish_password
            return cls(camera.publish_username, secret.get_secret_value() if secret else "")
        secret = settings.publish_password
        return cls(settings.publish_username or None, secret.get_secret_value() if secret else "")

    def challenges(self) -> list[tuple[str, str]]:
        """Headers of a 401 answer."""
        return [
            ("WWW-Authenticate", f'Digest realm="{REALM}", nonce="{self.nonce}", algorithm=MD5'),
            ("WWW-Authenticate", f'Basic realm="{REALM}"'),
        ]

    def admits(self, method: str, uri: str, authorization: str | None) -> bool:
        """Whether the header ``authorization`` of a request proves the password. Never raises."""
        if self.username is None:
            return True
        scheme, _, rest = (authorization or "").partition(" ")
        if scheme.lower() == "basic":
            return self._basic(rest.strip())
        if scheme.lower() == "digest":
            return self._digest(method, uri, {name: a or b for name, a, b in _PARAMETER.findall(rest)})
        return False

    def _basic(self, token: str) -> bool:
        try:
            given = base64.b64decode(token, validate=True)
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(given, f"{self.username}:{self.password}".encode())

    def _digest(self, method: str, uri: str, given: dict[str, str]) -> bool:
        # The nonce belongs to this connection alone, so an overheard answer is of no use on another.
        first = _md5(f"{self.username}:{REALM}:{self.password}")
        second = _md5(f"{method}:{given.get('uri', '')}")
        middle = [self.nonce]
        if "qop" in given:
            middle += [given.get("nc", ""), given.get("cnonce", ""), given["qop"]]
        proof = _md5(":".join([first, *middle, second]))
        same = [
            hmac.compare_digest(given.get("username", "").encode(), (self.username or "").encode()),
            hmac.compare_digest(given.get("nonce", "").encode(), self.nonce.encode()),
            hmac.compare_digest(given.get("response", "").encode(), proof.encode()),
            uri.endswith(given.get("uri", "\0").removeprefix("rtsp://").partition("/")[2]),
        ]
        return all(same)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()  # what the protocol asks for
