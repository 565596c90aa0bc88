"""Whether an address may be a webhook's, as far as is known now. The delivery worker checks again when it connects."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import Executor

import httpx

from patchwatch.contract.address_policy import allowed_addresses
from patchwatch.contract.errors import DestinationForbiddenError
from patchwatch.contract.settings import Settings
from service.problems.errors import InvalidFieldsError

_RESOLVE_TIMEOUT_S = 3.0


async def check_destination(url: str, settings: Settings, resolver: Executor) -> None:
    """Resolves the name in a thread of ``resolver``, so that a name server that hangs delays only such checks.

    Raises `InvalidFieldsError`. A name that does not resolve now is accepted: it may later."""
    try:
        host = httpx.URL(url).raw_host.decode("ascii")
    except httpx.InvalidURL:
        raise _invalid("is not an address that can be connected to") from None
    try:
        async with asyncio.timeout(_RESOLVE_TIMEOUT_S):
            addresses = await asyncio.get_running_loop().run_in_executor(resolver, _addresses, host)
    except (OSError, TimeoutError, UnicodeError):
        return
    try:
        allowed_addresses(addresses, settings.webhook_reach)
    except DestinationForbiddenError as error:
        raise _invalid(str(error)) from None


def _addresses(host: str) -> list[str]:
    return [str(address[0]) for *_, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def _invalid(message: str) -> InvalidFieldsError:
    return InvalidFieldsError.from_field("body.url", message)
