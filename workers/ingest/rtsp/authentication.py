"""Who may publish: HTTP Basic and Digest (RFC 7617, RFC 2617) as RTSP publishers speak them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Self

from patchwatch.contract.settings import Settings
from patchwatch.messages.camera import Camera
from workers.ingest.rtsp import parameters
from workers.ingest.rtsp.message import camera_id_of

REALM = "Patchwatch"
_MAX_AUTHORIZATION = 2048  # characters


def new_nonce() -> str:
    """One for each connection: an answer overheard is of no use on another."""
    return secrets.token_hex(16)


@dataclass(frozen=True)
class Authenticator:
    """Checks the credentials for one camera. Without a username everybody may pass. Comparisons take constant time.

    ``shut``: nobody passes, and nobody can tell it from a wrong password.
    """

    username: str | None
    password: str = field(repr=False)
    nonce: str = field(default_factory=new_nonce)
    shut: bool = False

    @classmethod
    def of(cls, camera: Camera | None, settings: Settings, nonce: str) -> Self:
        """The camera's own credentials, else those of the installation."""
        if camera is not None and camera.publish_username:
            secret = camera.publish_password
            return cls(camera.publish_username, secret.get_secret_value() if secret else "", nonce)
        secret = settings.publish_password
        return cls(settings.publish_username or None, secret.get_secret_value() if secret else "", nonce)

    @classmethod
    def shut_to_all(cls, nonce: str) -> Self:
        return cls("nobody", secrets.token_hex(16), nonce, shut=True)

    @property
    def is_open(self) -> bool:
        """Whether nothing is asked."""
        return self.username is None

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
        if authorization is None or len(authorization) > _MAX_AUTHORIZATION:
            return False
        scheme, _, rest = authorization.partition(" ")
        if scheme.lower() == "basic":
            passes = self._basic(rest.strip())
        elif scheme.lower() == "digest":
            passes = self._digest(method, uri, parameters.pairs(parameters.split(rest, ",")))
        else:
            passes = False
        return passes and not self.shut

    def _basic(self, token: str) -> bool:
        try:
            given = base64.b64decode(token, validate=True)
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(given, f"{self.username}:{self.password}".encode())

    def _digest(self, method: str, uri: str, given: dict[str, str]) -> bool:
        # As headers are read as Latin-1, so is what the proof was made of.
        first = _md5(f"{self.username}:{REALM}:{self.password}".encode())
        second = _md5(f"{method}:{given.get('uri', '')}".encode("latin-1", "replace"))
        middle = [self.nonce]
        if "qop" in given:
            middle += [given.get("nc", ""), given.get("cnonce", ""), given["qop"]]
        proof = _md5(":".join([first, *middle, second]).encode("latin-1", "replace"))
        same = [
            hmac.compare_digest(_bytes(given.get("username")), (self.username or "").encode()),
            hmac.compare_digest(_bytes(given.get("nonce")), self.nonce.encode()),
            hmac.compare_digest(_bytes(given.get("response")), proof.encode()),
            camera_id_of(uri) is not None and camera_id_of(given.get("uri", "")) == camera_id_of(uri),
        ]
        return all(same)


def _bytes(text: str | None) -> bytes:
    return (text or "").encode("latin-1", "replace")


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()  # what the protocol asks for
