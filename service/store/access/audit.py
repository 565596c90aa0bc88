"""The audit log: one bounded stream."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.stored_records import readable
from patchwatch.messages.access.audit_entry import MAX_ENTRIES, AuditEntry
from service.store.access.damage import closed_when_damaged

_FIELD = b"a"


class AuditStore:
    """Reads and appends to `keys.AUDIT`. Raises `BusUnavailableError`, `DamagedError`."""

    def __init__(self, bus: Redis) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings

    async def add(self, entry: AuditEntry) -> None:
        with closed_when_damaged():
            await self._bus.xadd(keys.AUDIT, {_FIELD: entry.encode()}, maxlen=MAX_ENTRIES, approximate=True)

    async def find(self, limit: int, before: str | None) -> tuple[list[tuple[str, AuditEntry]], str | None]:
        """Entries with their ids, newest first, and the id to continue before if there may be more."""
        if before is not None and not before.replace("-", "").strip("0"):
            return [], None  # nothing lies before the first id, and Redis takes it for none
        with closed_when_damaged():
            rows = await self._bus.xrevrange(keys.AUDIT, max=f"({before}" if before else "+", count=limit)
        read = [(row[0].decode(), readable(_entry, row, f"entry {row[0]!r} of the audit log")) for row in rows]
        entries = [(entry_id, entry) for entry_id, entry in read if entry is not None]
        return entries, rows[-1][0].decode() if len(rows) == limit else None


def _entry(row: tuple[bytes, dict[bytes, bytes]]) -> AuditEntry:
    return AuditEntry.decode(row[1].get(_FIELD, b""))
