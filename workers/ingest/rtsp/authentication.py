"""HTTP Basic and Digest authentication of publishers (RFC 7617, RFC 2617), as RTSP clients speak them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote

from patchwatch.contract.settings import Settings
from patchwatch.messages.base import CAMERA_ID_PATTERN
from patchwatch.messages.cameras.camera import Camera
from workers.rtsp import parameters
from workers.rtsp.message import path_of

REALM = "Patchwatch"
_MAX_AUTHORIZATION = 2048  # Characters.
_MAX_CAMERA_ID = 63  # Characters; checked before the pattern is.


def new_nonce() -> str:
    """A nonce for one connection: a response overheard there is useless on another."""
    return secrets.token_hex(16)


def camera_id_of(uri: str) -> str | None:
    """The camera that a URI, or its path alone, names; None when no camera can have that name. Surrounding slashes and
    a query are ignored."""
    name = unquote(path_of(uri)).strip("/")
    return name if len(name) <= _MAX_CAMERA_ID and re.fullmatch(CAMERA_ID_PATTERN, name) else None


@dataclass(frozen=True)
class Authenticator:
    """Checks the credentials for one camera. Without a username everybody is admitted. Comparisons take constant time.

    ``rejects_all``: nobody is admitted, and a client cannot tell that from a wrong password.
    """

    username: str | None
    password: str = field(repr=False)
    nonce: str = field(default_factory=new_nonce)
    rejects_all: bool = False

    @classmethod
    def from_camera(cls, camera: Camera | None, settings: Settings, nonce: str) -> Self:
        """With the camera's own credentials, else those of the settings."""
        if camera is not None and camera.publish_username:
            secret = camera.publish_password
            return cls(camera.publish_username, secret.get_secret_value() if secret else "", nonce)
        secret = settings.publish_password
        return cls(settings.publish_username or None, secret.get_secret_value() if secret else "", nonce)

    @classmethod
    def rejecting_all(cls, nonce: str) -> Self:
        return cls("nobody", secrets.token_hex(16), nonce, rejects_all=True)

    @property
    def is_open(self) -> bool:
        """Whether no credentials are needed."""
        return self.username is None

    def challenges(self) -> list[tuple[str, str]]:
        """The headers of a 401 response."""
        return [
            ("WWW-Authenticate", f'Digest realm="{REALM}", nonce="{self.nonce}", algorithm=MD5'),
            ("WWW-Authenticate", f'Basic realm="{REALM}"'),
        ]

    def admits(self, method: str, uri: str, authorization: str | None) -> bool:
        """Whether a request's header ``authorization`` proves the password. Never raises."""
        if self.username is None:
            return True
        if authorization is None or len(authorization) > _MAX_AUTHORIZATION:
            return False
        scheme, _, rest = authorization.partition(" ")
        if scheme.lower() == "basic":
            valid = self._basic(rest.strip())
        elif scheme.lower() == "digest":
            valid = self._digest(method, uri, parameters.pairs(parameters.split(rest, ",")))
        else:
            valid = False
        return valid and not self.rejects_all

    def _basic(self, token: str) -> bool:
        try:
            credentials = base64.b64decode(token, validate=True)
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(credentials, f"{self.username}:{self.password}".encode())

    def _digest(self, method: str, uri: str, fields: dict[str, str]) -> bool:
        # Headers are decoded as Latin-1, so the URI is hashed in that encoding again.
        secret = _md5(f"{self.username}:{REALM}:{self.password}".encode())
        request = _md5(f"{method}:{fields.get('uri', '')}".encode("latin-1", "replace"))
        middle = [self.nonce]
        if "qop" in fields:
            middle += [fields.get("nc", ""), fields.get("cnonce", ""), fields["qop"]]
        expected = _md5(":".join([secret, *middle, request]).encode("latin-1", "replace"))
        checks = [
            hmac.compare_digest(_bytes(fields.get("username")), (self.username or "").encode()),
            hmac.compare_digest(_bytes(fields.get("nonce")), self.nonce.encode()),
            hmac.compare_digest(_bytes(fields.get("response")), expected.encode()),
            camera_id_of(uri) is not None and camera_id_of(fields.get("uri", "")) == camera_id_of(uri),
        ]
        return all(checks)


def _bytes(text: str | None) -> bytes:
    return (text or "").encode("latin-1", "replace")


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()  # RFC 2617 Digest knows MD5 only.
