"""The evidence of alerts: how far it is, by Redis, and what there is of it, by the store of files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.stored_records import readable, required
from patchwatch.contract.bounds import counted
from patchwatch.contract.errors import NotFoundError, RejectedError, RetryableError
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.evidence import (
    KEEP,
    MANIFEST,
    MAX_MANIFEST_BYTES,
    EvidenceManifest,
    EvidenceRecord,
    EvidenceStatus,
    stored_name,
)
from patchwatch.storage.opening import open_storage
from patchwatch.storage.storage import Storage, checked

_MOST_THREADS = 8  # that wait for the store, however many requests have given up
_T = TypeVar("_T")


class EvidenceStore:
    """Reads `keys.alert_evidence` and the store of `Settings.evidence_url`; writes only what is to be kept.

    Methods raise `NotFoundError` where there is nothing, and `StorageError` where the store is away.
    """

    def __init__(self, bus: Redis, settings: Settings) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._settings = settings

    @cached_property
    def _storage(self) -> Storage:
        return open_storage(self._settings.evidence_url, self._settings.evidence_dir)

    @cached_property
    def _threads(self) -> CapacityLimiter:
        return CapacityLimiter(_MOST_THREADS)

    async def _run(self, work: Callable[[], _T]) -> _T:
        """In a thread, which a request that ends leaves alone: a network share may hang."""
        if self._threads.available_tokens < 1 and self._threads.statistics().tasks_waiting > 4 * _MOST_THREADS:
            raise RetryableError(f"the store of evidence answers too slowly: see {self._storage.place}")
        return await to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._threads)

    async def record(self, alert_id: str) -> EvidenceRecord | None:
        """How far it is; None where nothing is known (any more)."""
        with translated():
            data = await self._bus.get(keys.alert_evidence(alert_id))
        return readable(EvidenceRecord.decode, data, f"evidence of alert {alert_id!r}")

    async def manifest(self, alert_id: str) -> EvidenceManifest:
        """Of evidence that is stored."""
        data = await self.manifest_bytes(alert_id)
        return required(EvidenceManifest.decode, data, f"the manifest of alert {alert_id!r}")

    async def manifest_bytes(self, alert_id: str) -> bytes:
        """The manifest as it is stored."""
        name = _name(alert_id, MANIFEST)
        return await self._run(lambda: self._storage.read(name, 0, MAX_MANIFEST_BYTES))

    async def size(self, alert_id: str, part: str) -> int:
        """Of one part, in bytes."""
        name = _name(alert_id, part)
        found = await self._run(lambda: self._storage.stat(name))
        if found is None:
            raise NotFoundError(f"there is no {part} of alert {alert_id!r}: see GET /api/v1/alerts/{alert_id}/evidence")
        return found.size

    async def read(self, alert_id: str, part: str, start: int, length: int) -> bytes:
        """Some bytes of one part."""
        name = _name(alert_id, part)
        return await self._run(lambda: self._storage.read(name, start, length))

    async def is_kept(self, alert_id: str) -> bool:
        """Whether it stays whatever its age."""
        name = _name(alert_id, KEEP)
        return await self._run(lambda: self._storage.stat(name)) is not None

    async def keep(self, alert_id: str) -> None:
        """Keep it whatever its age. The mark lies in the store, where it outlives Redis."""
        name, storage = _name(alert_id, KEEP), self._storage
        await self._run(lambda: _mark(storage, name))

    async def let_go(self, alert_id: str) -> None:
        """Keep it no longer than other evidence."""
        name = _name(alert_id, KEEP)
        await self._run(lambda: self._storage.delete(name))

    async def status(self) -> tuple[EvidenceStatus | None, dict[str, int]]:
        """Of all evidence, and what was counted."""
        with translated():
            data = await self._bus.get(keys.EVIDENCE_STATUS)
            counts = await self._bus.hgetall(keys.EVIDENCE_COUNTS)
        status = readable(EvidenceStatus.decode, data, "the status of evidence")
        return status, {name.decode(errors="replace"): counted(value) for name, value in counts.items()}


def _name(alert_id: str, part: str) -> str:
    """Raises `NotFoundError` for an id that no alert has."""
    try:
        return checked(stored_name(alert_id, part))
    except RejectedError:
        raise NotFoundError(f"there is no alert {alert_id[:100]!r}: see GET /api/v1/alerts") from None


def _mark(storage: Storage, name: str) -> None:
    with tempfile.NamedTemporaryFile() as empty:
        storage.put(name, Path(empty.name))
