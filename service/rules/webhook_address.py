"""Whether an address may be a webhook's, as far as can be told now; the delivery worker judges it when it connects."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import Executor

import httpx

from patchwatch.contract.address_policy import allowed_addresses
from patchwatch.contract.errors import DestinationForbiddenError
from patchwatch.contract.settings import Settings
from service.problem import FieldProblem, InvalidFieldsError

_RESOLVE_WITHIN_S = 3.0


async def check_destination(url: str, settings: Settings, resolver: Executor) -> None:
    """Looks the name up in a thread of ``resolver``: with a name server that hangs, only these wait.

    Raises `InvalidFieldsError`. A name that does not resolve now is accepted: it may later."""
    try:
        host = httpx.URL(url).raw_host.decode("ascii")
    except httpx.InvalidURL:
        raise _invalid("is not an address that can be connected to") from None
    try:
        async with asyncio.timeout(_RESOLVE_WITHIN_S):
            found = await asyncio.get_running_loop().run_in_executor(resolver, _addresses, host)
    except (OSError, TimeoutError, UnicodeError):
        return
    try:
        allowed_addresses(found, settings.webhook_reach)
    except DestinationForbiddenError as error:
        raise _invalid(str(error)) from None


def _addresses(host: str) -> list[str]:
    return [str(where[0]) for *_, where in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def _invalid(message: str) -> InvalidFieldsError:
    return InvalidFieldsError([FieldProblem(location="body.url", message=message)])
