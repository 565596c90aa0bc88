"""Enrolments: the queue of the enrolment workers, and the records."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.stored_records import readable, required
from patchwatch.bus.writes import transact_async
from patchwatch.contract.errors import ConflictError, NotFoundError, OverloadedError, RejectedError
from patchwatch.contract.roles import Role
from patchwatch.messages.banks.enrolment import Enrolment, EnrolmentState
from service.store.banks.queue_place import QueuePlace

MAX_PENDING = 100  # of all cameras
MAX_PENDING_PER_CAMERA = 4
_KEPT_PER_CAMERA = 20
_ALIVE_MS = 10_000  # workers renew their membership twice a second
_TRIES = 50  # a change is tried again when another one interferes: every running enrolment writes twice a second
_T = TypeVar("_T")


class EnrolmentStore:
    """Reads and writes `keys.ENROLMENT_RECORDS`, from which the enrolment workers take what is queued.

    ``seen``: the only cameras whose enrolments exist for its user; None: all.
    """

    def __init__(self, bus: Redis, seen: frozenset[str] | None = None) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._seen = seen

    def limited(self, seen: frozenset[str] | None) -> EnrolmentStore:
        """The same store, in which only some cameras' enrolments exist."""
        return EnrolmentStore(self._bus, seen)

    def _sees(self, record: Enrolment) -> bool:
        return self._seen is None or record.camera_id in self._seen

    async def create(self, enrolment: Enrolment) -> None:
        """Queue an enrolment.

        One that the camera began by itself is cancelled for it. Raises `RejectedError` for a profile that no worker
        knows, `ConflictError` when an enrolment for the same camera and profile waits or runs, and `OverloadedError`
        when too many are queued.
        """
        await self._check_profile(enrolment.profile)

        async def attempt(pipe: Any) -> None:
            records = _decoded(await pipe.hgetall(keys.ENROLMENT_RECORDS))
            _check_room(enrolment, records)
            earlier = _of_camera(records, enrolment.camera_id)
            outdated = [other.id for other in earlier[_KEPT_PER_CAMERA - 1 :] if not other.state.pending]
            pipe.multi()
            for other in earlier:
                if other.by_itself and other.state.pending and not other.storing:
                    pipe.hset(keys.ENROLMENT_RECORDS, other.id, _superseded(other, enrolment).encode())
            pipe.hset(keys.ENROLMENT_RECORDS, enrolment.id, enrolment.encode())
            pipe.hset(keys.ENROLMENTS_LATEST, enrolment.camera_id, enrolment.id)
            pipe.sadd(keys.ENROLMENTS_PENDING, enrolment.id)
            if outdated:
                pipe.hdel(keys.ENROLMENT_RECORDS, *outdated)

        await self._transaction(attempt)

    async def cancel(self, camera_id: str, enrolment_id: str, now_ms: int) -> Enrolment:
        """Cancel an enrolment that is queued or running. Its worker notices within a second and stores no bank.

        Raises `NotFoundError`, and `ConflictError` when it has ended or is storing its bank.
        """

        async def attempt(pipe: Any) -> Enrolment:
            data = await pipe.hget(keys.ENROLMENT_RECORDS, enrolment_id)
            record = None if data is None else required(Enrolment.decode, data, f"enrolment {enrolment_id!r}")
            if record is None or record.camera_id != camera_id:
                raise _unknown(enrolment_id)
            _check_cancellable(record)
            detail = "cancelled: the banks are as they were"
            changes = {"state": EnrolmentState.CANCELLED, "detail": detail, "updated_at_ms": now_ms}
            cancelled = record.model_copy(update=changes)
            pipe.multi()
            pipe.hset(keys.ENROLMENT_RECORDS, enrolment_id, cancelled.encode())
            return cancelled

        return await self._transaction(attempt)

    async def all(self) -> list[Enrolment]:
        """The enrolments of all cameras, newest first."""
        with translated():
            stored = await self._bus.hgetall(keys.ENROLMENT_RECORDS)
        return _newest_first([record for record in _decoded(stored) if self._sees(record)])

    async def of_camera(self, camera_id: str) -> list[Enrolment]:
        """The enrolments of one camera, newest first."""
        return _of_camera(await self.all(), camera_id)

    async def latest(self, camera_ids: list[str]) -> list[Enrolment | None]:
        """For each camera its newest enrolment that waits or runs, else its newest."""
        if not camera_ids:
            return []
        with translated():
            ids = await self._bus.hmget(keys.ENROLMENTS_LATEST, camera_ids)
        latest = await self._records([enrolment_id for enrolment_id in ids if enrolment_id is not None])
        pending = reversed(_newest_first(await self._pending()))
        records = {record.camera_id: record for record in (*latest, *pending)}
        return [records.get(camera_id) for camera_id in camera_ids]

    async def _pending(self) -> list[Enrolment]:
        with translated():
            ids = list(await self._bus.smembers(keys.ENROLMENTS_PENDING))
            records = [record for record in await self._records(ids) if record.state.pending]
            ended = set(ids) - {record.id.encode() for record in records}
            if ended:
                await self._bus.srem(keys.ENROLMENTS_PENDING, *ended)
        return records

    async def _records(self, ids: list[bytes]) -> list[Enrolment]:
        with translated():
            stored = await self._bus.hmget(keys.ENROLMENT_RECORDS, ids) if ids else []
        return _decoded(dict(zip(ids, stored, strict=True)))

    async def places(self, records: Sequence[Enrolment]) -> list[QueuePlace]:
        """The place of each in the queue."""
        if not any(record.state.pending for record in records):
            return [QueuePlace()] * len(records)
        pending, attended = await self._pending(), await self._attended()
        return [QueuePlace.from_pending(record, pending, attended=attended) for record in records]

    async def _attended(self) -> bool:
        """Whether an enrolment worker is alive."""
        with translated():
            seconds, micros = await self._bus.time()
            newest = await self._bus.zrevrange(keys.members(Role.ENROLMENT.value), 0, 0, withscores=True)
        return bool(newest) and seconds * 1000 + micros / 1000 - newest[0][1] < _ALIVE_MS

    async def delete_all(self, camera_id: str) -> None:
        """Delete the records of a removed camera, those that wait included."""
        ids = [record.id for record in await self.of_camera(camera_id)]
        if ids:
            with translated():
                await self._bus.hdel(keys.ENROLMENT_RECORDS, *ids)
                await self._bus.hdel(keys.ENROLMENTS_LATEST, camera_id)

    async def get(self, enrolment_id: str) -> Enrolment:
        """Raises `NotFoundError`."""
        with translated():
            data = await self._bus.hget(keys.ENROLMENT_RECORDS, enrolment_id)
        record = None if data is None else required(Enrolment.decode, data, f"enrolment {enrolment_id!r}")
        if record is None or not self._sees(record):
            raise _unknown(enrolment_id)
        return record

    async def _check_profile(self, name: str) -> None:
        """Accepts any name until an enrolment worker has listed the profiles: the worker then rejects a wrong one."""
        with translated():
            data = await self._bus.get(keys.PROFILES)
        try:
            known = json.loads(data or b"[]")
        except ValueError:
            return
        if isinstance(known, list) and known and name not in known:
            raise RejectedError(f"there is no profile {name!r}: choose one of {', '.join(map(str, known))}")

    async def _transaction(self, attempt: Callable[[Any], Awaitable[_T]]) -> _T:
        with translated():
            return await transact_async(
                self._bus, attempt, keys.ENROLMENT_RECORDS, subject="the enrolments", tries=_TRIES
            )


def _check_room(enrolment: Enrolment, records: list[Enrolment]) -> None:
    pending = [other for other in records if other.state.pending and not other.by_itself]
    own = [other for other in pending if other.camera_id == enrolment.camera_id]
    for other in own:
        if other.profile == enrolment.profile:
            raise ConflictError(
                f"enrolment {other.id} of camera {other.camera_id!r} ({other.profile}) is {other.state}: wait until "
                f"it is done, or cancel it with `patchwatch enrolments cancel {other.camera_id} {other.id}`"
            )
    if len(own) >= MAX_PENDING_PER_CAMERA:
        raise OverloadedError(
            f"{len(own)} enrolments of camera {enrolment.camera_id!r} wait or run already: wait for one to end, or "
            "cancel one"
        )
    if len(pending) >= MAX_PENDING:
        raise OverloadedError(
            f"{len(pending)} enrolments wait or run already: wait for some to end, or cancel some "
            "(`patchwatch enrolments list`)"
        )


def _superseded(own: Enrolment, asked: Enrolment) -> Enrolment:
    """What a camera began by itself, once an operator asks for another one."""
    changes = {"state": EnrolmentState.CANCELLED, "detail": f"enrolment {asked.id} was asked for"}
    return own.model_copy(update=changes | {"updated_at_ms": asked.created_at_ms})


def _check_cancellable(record: Enrolment) -> None:
    if record.storing:
        raise ConflictError(f"enrolment {record.id} has learnt its bank and is storing it: wait a moment")
    if not record.state.pending:
        undo = f". {record.outcome}" if record.outcome else ""
        raise ConflictError(f"enrolment {record.id} is {record.state} already: there is nothing to cancel{undo}")


def _decoded(stored: dict[bytes, bytes]) -> list[Enrolment]:
    read = (readable(Enrolment.decode, data, f"enrolment {name!r}") for name, data in stored.items())
    return [record for record in read if record is not None]


def _of_camera(records: list[Enrolment], camera_id: str) -> list[Enrolment]:
    return _newest_first([record for record in records if record.camera_id == camera_id])


def _newest_first(records: list[Enrolment]) -> list[Enrolment]:
    return sorted(records, key=lambda record: (record.created_at_ms, record.id), reverse=True)


def _unknown(enrolment_id: str) -> NotFoundError:
    return NotFoundError(f"there is no enrolment {enrolment_id!r}")
