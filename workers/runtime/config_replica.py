"""A replica of a configuration hash in Redis: read when it changes, written back when Redis has lost it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

import redis.asyncio

from patchwatch.bus.connection import translated
from patchwatch.bus.stored_records import readable_by_id
from patchwatch.contract.bounds import counted

log = logging.getLogger(__name__)


class ConfigRecord(Protocol):
    """A message that is stored in a hash under its id."""

    @property
    def id(self) -> str: ...

    def encode(self) -> bytes: ...


T = TypeVar("T", bound=ConfigRecord)


class ConfigReplica(Generic[T]):
    """Holds the records of the hash ``name``, which are ``noun``s; ``revision_name`` counts its changes.

    Whoever changes the hash, be it to remove a record, raises the revision. A Redis that restarted empty, or was
    flushed, has a lower revision or none. Only then is the replica written back, so a record that the user removed
    stays removed.
    """

    def __init__(
        self, client: redis.asyncio.Redis, name: str, revision_name: str, decode: Callable[[bytes], T], noun: str
    ) -> None:
        self._client: Any = client
        self._name = name
        self._revision_name = revision_name
        self._decode = decode
        self._noun = noun
        self._revision: int | None = None
        self._records: dict[str, T] = {}
        self._decoded: dict[bytes, T] = {}

    async def read(self) -> dict[str, T]:
        """All records by id; one that cannot be read is left out and logged. Raises `BusUnavailableError`."""
        with translated():
            revision = counted(await self._client.get(self._revision_name))
            if self._revision is not None and revision < self._revision:
                revision = await self._restore()
            if revision != self._revision:
                before, self._decoded = self._decoded, {}
                decode = partial(self._decode_changed, before)
                self._records = readable_by_id(decode, await self._client.hgetall(self._name), self._noun)
                self._revision = revision
        return dict(self._records)

    def _decode_changed(self, before: dict[bytes, T], data: bytes) -> T:
        """A record that did not change stays the same object: with thousands, all would be made anew for one."""
        record = before.get(data)
        if record is None:
            record = self._decode(data)
        self._decoded[data] = record
        return record

    async def add(self, record: T) -> bool:
        """Store a record unless its id is taken; returns whether it was stored. Raises `BusUnavailableError`."""
        with translated():
            added = await self._client.hsetnx(self._name, record.id, record.encode())
            await self._client.incr(self._revision_name)
        return bool(added)

    async def _restore(self) -> int:
        log.warning("Redis has lost its data: putting %d %ss back", len(self._records), self._noun)
        async with self._client.pipeline(transaction=True) as pipe:
            for record in self._records.values():
                pipe.hsetnx(self._name, record.id, record.encode())
            revision = (self._revision or 0) + 1
            pipe.set(self._revision_name, revision)  # replaces what is there, even if it is not a number
            await pipe.execute()
        return revision
