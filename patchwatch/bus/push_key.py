"""The key that push services know this installation by (RFC 8292): one, in Redis, where all roles find it.

Browsers subscribe to this key. Redis that was emptied makes a new one, and devices have to be added again.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.contract.errors import BusUnavailableError

_KEY_BYTES = 32


async def push_key(client: Any) -> ec.EllipticCurvePrivateKey:
    """The private key, made by the first who asks. Raises `BusUnavailableError`."""
    with translated():
        stored = await client.get(keys.PUSH_KEY)
        if _read(stored) is None:
            await client.set(keys.PUSH_KEY, _new(), nx=stored is None)
            stored = await client.get(keys.PUSH_KEY)
    key = _read(stored)
    if key is None:
        raise BusUnavailableError("the key for push services was lost while it was made: ask again")
    return key


def public_form(key: ec.EllipticCurvePrivateKey) -> str:
    """What a browser takes as ``applicationServerKey``: the public point in URL-safe base64, without padding."""
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return urlsafe_b64encode(point).decode().rstrip("=")


def _new() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value.to_bytes(_KEY_BYTES)


def _read(stored: bytes | None) -> ec.EllipticCurvePrivateKey | None:
    if stored is None or len(stored) != _KEY_BYTES:
        return None
    try:
        return ec.derive_private_key(int.from_bytes(stored), ec.SECP256R1())
    except ValueError:  # no number of this curve
        return None
