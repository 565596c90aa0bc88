"""The site's alarm budget."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.stored_records import said
from patchwatch.messages.cameras.budget import SiteBudget


class SiteBudgetStore:
    """Reads and writes `keys.SITE_BUDGET`. An enrolment worker shares it among the cameras."""

    def __init__(self, bus: Redis) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings

    async def get(self) -> SiteBudget:
        """Without a value where there is none. Raises `UnreadableRecordError`."""
        with translated():
            data = await self._bus.get(keys.SITE_BUDGET)
        remedy = "set it anew (PUT /api/v1/site-budget)"
        return said(SiteBudget.decode, data, "the site's budget", remedy) or SiteBudget()

    async def put(self, budget: SiteBudget) -> None:
        """Also where it has no value: a lost record would be put back."""
        with translated():
            await self._bus.set(keys.SITE_BUDGET, budget.encode())
