"""The secret that links are signed with (`patchwatch.contract.signed_link`): one for the installation, in Redis, where
all roles find it. Redis that was emptied makes a new one, and the links before it do not work any more."""

from __future__ import annotations

import secrets
from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.contract.errors import BusUnavailableError
from patchwatch.contract.signed_link import SECRET_BYTES


def link_secret(client: Any) -> bytes:
    """The secret, made by the first who asks. Raises `BusUnavailableError`."""
    with translated():
        stored = client.get(keys.LINK_SECRET)
        if not _is_secret(stored):
            client.set(keys.LINK_SECRET, secrets.token_bytes(SECRET_BYTES), nx=stored is None)
            stored = client.get(keys.LINK_SECRET)
    return _checked(stored)


async def link_secret_async(client: Any) -> bytes:
    """As `link_secret`, with an asyncio client."""
    with translated():
        stored = await client.get(keys.LINK_SECRET)
        if not _is_secret(stored):
            await client.set(keys.LINK_SECRET, secrets.token_bytes(SECRET_BYTES), nx=stored is None)
            stored = await client.get(keys.LINK_SECRET)
    return _checked(stored)


def _is_secret(stored: bytes | None) -> bool:
    return stored is not None and len(stored) == SECRET_BYTES


def _checked(stored: bytes | None) -> bytes:
    if stored is None or not _is_secret(stored):
        raise BusUnavailableError("the secret of links was lost while it was made: ask again")
    return stored
