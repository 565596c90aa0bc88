"""A browser's side of web push: its keys, and what it reads of a message."""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import http_ece
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class PushDevice:
    """Keys that nobody else has."""

    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    secret: bytes = field(default_factory=lambda: os.urandom(16))

    @property
    def keys(self) -> dict[str, str]:
        """As `PushSubscription.toJSON().keys` has them."""
        point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"p256dh": _text(point), "auth": _text(self.secret)}

    def read(self, body: bytes) -> dict[str, Any]:
        plain = http_ece.decrypt(body, private_key=self.private, auth_secret=self.secret, version="aes128gcm")
        result: dict[str, Any] = json.loads(plain)
        return result

    def read_by_the_standard(self, body: bytes) -> dict[str, Any]:
        """As RFC 8291, section 3.4, and RFC 8188, section 2, have it: one record, without any library of push."""
        salt, id_length = body[:16], body[20]
        sender = body[21 : 21 + id_length]
        shared = self.private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        own = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        secret = _derived(self.secret, shared, b"WebPush: info\0" + own + sender, 32)
        key = _derived(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _derived(salt, secret, b"Content-Encoding: nonce\0", 12)
        padded = AESGCM(key).decrypt(nonce, body[21 + id_length :], None)
        plain, delimiter, _ = padded.rpartition(b"\2")  # of the last record, then zeros
        assert delimiter
        result: dict[str, Any] = json.loads(plain)
        return result


def _derived(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)
