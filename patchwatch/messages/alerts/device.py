"""A browser that shows alerts as notifications: whose it is, and what messages to it are encrypted with (RFC 8291)."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_serializer, field_validator

MAX_DEVICES_OF_USER = 10
DeviceName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
_POINT_BYTES, _SECRET_BYTES = 65, 16  # an uncompressed point of P-256; RFC 8291, section 3.2
_LONGEST_KEY = 100  # characters


class Device(BaseModel):
    """A browser as the receiver of a channel, whose address is the endpoint of its push service.

    ``p256dh`` and ``auth``: what messages to it are encrypted with, in URL-safe base64. ``owner``: the user it belongs
    to, and ``login`` his incarnation then; both are empty where nobody has to log in. It is told only of cameras that
    the user sees, and of nothing once all his logins were ended.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: DeviceName
    p256dh: str = Field(max_length=_LONGEST_KEY)
    auth: SecretStr = Field(max_length=_LONGEST_KEY)
    owner: str = Field("", max_length=63)
    login: str = Field("", max_length=64)

    @field_validator("p256dh")
    @classmethod
    def _point(cls, value: str) -> str:
        if len(key := _decoded(value)) != _POINT_BYTES or key[0] != 4:
            raise ValueError("is not the key of a push subscription: take `keys.p256dh` of the browser's")
        return value

    @field_validator("auth")
    @classmethod
    def _secret(cls, value: SecretStr) -> SecretStr:
        if len(_decoded(value.get_secret_value())) != _SECRET_BYTES:
            raise ValueError("is not the secret of a push subscription: take `keys.auth` of the browser's")
        return value

    @field_serializer("auth", when_used="json")
    def _keep_secret_in_store(self, value: SecretStr) -> str:
        return value.get_secret_value()

    @property
    def key(self) -> bytes:
        return _decoded(self.p256dh)

    @property
    def secret(self) -> bytes:
        return _decoded(self.auth.get_secret_value())


def check_endpoint(url: str) -> None:
    """Raises ValueError unless it is an address of a push service: of https, or on this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is not the endpoint of a push subscription") from None
    if not host or parts.username is not None or not (parts.scheme == "https" or _is_here(parts.scheme, host)):
        raise ValueError("is not the endpoint of a push subscription, which is an https:// address")


def _is_here(scheme: str, host: str) -> bool:
    try:
        return scheme == "http" and ip_address(host).is_loopback
    except ValueError:
        return False


def _decoded(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
