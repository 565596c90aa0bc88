"""The set-up link: how the first admin is made from a browser, where the service is reachable from other machines."""

from __future__ import annotations

import asyncio
import sys

from patchwatch.contract.access_policy import asks_everybody
from patchwatch.contract.errors import RetryableError
from service.context import Context
from service.http.own_addresses import openable

_RETRY_S = 2.0


async def announce(context: Context, address: str) -> None:
    """Write a link for one use, unless there is a token or a user, passwords are turned off, or only this
    machine reaches the service.

    ``address``: where the service listens. It is written to stderr as it is: the log would hide what follows the ``#``,
    which browsers send to nobody.
    """
    settings = context.settings
    if settings.api_token is not None or not settings.password_login or not asks_everybody(settings):
        return
    while True:
        try:
            if await context.store.access.users.exist():
                return
            code = await context.store.access.setup_codes.create(await context.now_ms())
        except RetryableError:
            await asyncio.sleep(_RETRY_S)
            continue
        sys.stderr.write(_words([settings.public_url] if settings.public_url else openable(address), code))
        sys.stderr.flush()
        return


def _words(addresses: list[str], code: str) -> str:
    links = "".join(f"    {address}/#setup={code}\n" for address in addresses)
    which = " one of these addresses" if len(addresses) > 1 else ""
    return (
        f"\nThere are no users yet, and nobody can log in. Make the first admin within an hour at{which}\n\n{links}\n"
        "or on this machine with `patchwatch users add NAME --role admin`.\n\n"
    )
