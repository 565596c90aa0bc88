"""Generated sentences about alerts, as the delivery worker writes them."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.stored_records import readable
from patchwatch.messages.alerts.sentence import Sentence, SentenceProgress


class SentenceStore:
    """Reads `keys.alert_sentence` and `keys.SENTENCES_PROGRESS`. Raises `BusUnavailableError` when Redis is away."""

    def __init__(self, bus: Redis) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings

    async def of(self, alert_ids: list[str]) -> list[Sentence | None]:
        """The sentence about each alert, in the order given; None where there is none."""
        if not alert_ids:
            return []
        with translated():
            stored = await self._bus.mget([keys.alert_sentence(alert_id) for alert_id in alert_ids])
        rows = zip(alert_ids, stored, strict=True)
        return [readable(Sentence.decode, data, f"the sentence about {alert_id!r}") for alert_id, data in rows]

    async def progress(self) -> SentenceProgress | None:
        """How far the delivery worker is; None where none was ever asked for."""
        with translated():
            data = await self._bus.get(keys.SENTENCES_PROGRESS)
        return readable(SentenceProgress.decode, data, "the progress of sentences")
