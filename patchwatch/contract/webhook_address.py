"""Which addresses a webhook may be sent to: nobody shall reach through us what only this machine may reach.

A name is judged by the addresses it resolves to, at the moment of connecting; judging it earlier is a courtesy.
"""

from __future__ import annotations

from collections.abc import Iterable

from patchwatch.contract.address_policy import Reach, reach_of
from patchwatch.contract.errors import DestinationForbiddenError

__all__ = ["Reach", "allowed", "reach_of"]


def allowed(addresses: Iterable[str], reach: str) -> list[str]:
    """Those of a host's addresses that may be connected to; ``reach`` is `Settings.webhook_reach`.

    Raises `DestinationForbiddenError` when none is left.
    """
    widest = Reach[reach.upper()]
    judged = [(address, reach_of(address)) for address in addresses]
    found = [address for address, needed in judged if needed is not None and needed <= widest]
    if not found:
        needs = min((needed for _, needed in judged if needed is not None), default=None)
        raise DestinationForbiddenError(
            "webhooks are never sent to link-local, metadata, multicast or reserved addresses"
            if needs is None
            else f"webhooks are not sent to {needs.name.lower()} addresses: "
            f"start Patchwatch with PATCHWATCH_WEBHOOK_REACH={needs.name.lower()} to allow it"
        )
    return found
