"""Enrolments: jobs for the enrolment worker, and their records."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from patchwatch import keys
from patchwatch.bus import translated
from patchwatch.errors import ConflictError, NotFoundError
from patchwatch.messages.status import Enrolment, EnrolmentState
from patchwatch.stored import readable, required

_KEPT_PER_CAMERA = 50


class EnrolmentStore:
    """Reads and writes `keys.ENROLMENT_RECORDS`; the enrolment worker takes what is queued there."""

    def __init__(self, bus: Redis) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings

    async def ask(self, enrolment: Enrolment) -> None:
        """Queue a job. Raises `ConflictError` when the same camera and profile is being learnt already."""
        earlier = await self.of(enrolment.camera_id)
        for other in earlier:
            if other.profile == enrolment.profile and _pending(other):
                raise ConflictError(
                    f"enrolment {other.id} of camera {other.camera_id!r} ({other.profile}) is {other.state}: "
                    "wait until it is done"
                )
        forgotten = [other.id for other in earlier[_KEPT_PER_CAMERA - 1 :] if not _pending(other)]
        with translated():
            async with self._bus.pipeline(transaction=True) as pipe:
                pipe.hset(keys.ENROLMENT_RECORDS, enrolment.id, enrolment.encode())
                if forgotten:
                    pipe.hdel(keys.ENROLMENT_RECORDS, *forgotten)
                await pipe.execute()

    async def of(self, camera_id: str) -> list[Enrolment]:
        """Newest first."""
        with translated():
            stored = await self._bus.hgetall(keys.ENROLMENT_RECORDS)
        read = (readable(Enrolment.decode, data, f"enrolment {name!r}") for name, data in stored.items())
        found = [record for record in read if record is not None and record.camera_id == camera_id]
        return sorted(found, key=lambda record: (record.created_at_ms, record.id), reverse=True)

    async def forget(self, camera_id: str) -> None:
        """Remove the records of a camera that is no more, and what was still asked for."""
        ids = [record.id for record in await self.of(camera_id)]
        if ids:
            with translated():
                await self._bus.hdel(keys.ENROLMENT_RECORDS, *ids)

    async def get(self, enrolment_id: str) -> Enrolment:
        """Raises `NotFoundError`."""
        with translated():
            data = await self._bus.hget(keys.ENROLMENT_RECORDS, enrolment_id)
        if data is None:
            raise NotFoundError(f"there is no enrolment {enrolment_id!r}")
        return required(Enrolment.decode, data, f"enrolment {enrolment_id!r}")


def _pending(enrolment: Enrolment) -> bool:
    return enrolment.state in (EnrolmentState.QUEUED, EnrolmentState.RUNNING)
