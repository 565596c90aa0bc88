"""The configured webhooks, as Redis holds them."""

from __future__ import annotations

import logging
from typing import Any

import redis.asyncio

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.stored_records import readable
from patchwatch.contract.bounds import counted
from patchwatch.messages.webhook import Webhook

log = logging.getLogger("patchwatch.delivery")


class WebhookReplica:
    """Reads the webhooks when their revision changes, and puts them back when Redis has lost them.

    As with the cameras (`workers.ingest.camera_replica`): removing a webhook raises the revision; only a Redis that
    lost its data has a lower one.
    """

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client: Any = client
        self._revision: int | None = None
        self._webhooks: dict[str, Webhook] = {}

    async def read(self) -> dict[str, Webhook]:
        """All webhooks by id. Raises `BusUnavailableError`."""
        with translated():
            revision = counted(await self._client.get(keys.WEBHOOKS_REVISION))
            if self._revision is not None and revision < self._revision:
                revision = await self._restore()
            if revision != self._revision:
                self._webhooks = await self._load()
                self._revision = revision
        return dict(self._webhooks)

    async def _load(self) -> dict[str, Webhook]:
        stored = await self._client.hgetall(keys.WEBHOOKS)
        read = (
            readable(Webhook.decode, data, f"webhook {name!r} (remove it, and add it again)")
            for name, data in stored.items()
        )
        return {webhook.id: webhook for webhook in read if webhook is not None}

    async def _restore(self) -> int:
        log.warning("Redis has lost its data: putting %d webhooks back", len(self._webhooks))
        async with self._client.pipeline(transaction=True) as pipe:
            for webhook in self._webhooks.values():
                pipe.hsetnx(keys.WEBHOOKS, webhook.id, webhook.encode())
            revision = (self._revision or 0) + 1
            pipe.set(keys.WEBHOOKS_REVISION, revision)  # whatever stands there, be it no number
            await pipe.execute()
        return revision
