"""The cameras' `CaptureStatus` in Redis, each written under the lease of its camera's capture alone."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import redis.asyncio

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.errors import BusUnavailableError, InvalidMessageError
from patchwatch.messages.camera import is_over
from patchwatch.messages.capture_status import CaptureStatus
from workers.runtime.lease import TRIES, Lease

_FENCE_EXPIRES_S = 86_400  # far longer than anything of the removed camera may still be asleep
log = logging.getLogger("patchwatch.ingest")


class CaptureStatusStore:
    """All methods raise `BusUnavailableError`."""

    def __init__(self, client: redis.asyncio.Redis, partitions: int) -> None:
        self._client = client
        self._partitions = partitions

    async def read(self, camera_id: str) -> CaptureStatus | None:
        """What the worker before wrote. Read it under a lease: then nobody else adds to it any more."""
        with translated():
            data = await self._client.get(self._of(camera_id).capture)
        try:
            return CaptureStatus.decode(data) if data else None
        except InvalidMessageError as error:
            log.warning("camera %s: its earlier status is left out: %s", camera_id, error)
            return None

    async def write(self, statuses: Mapping[Lease, CaptureStatus]) -> None:
        """Those whose lease still holds, together."""

        async def queue(pipe: Any) -> None:
            leases = list(statuses)
            await pipe.watch(*(lease.unit.lease for lease in leases))
            holders = await pipe.mget([lease.unit.lease for lease in leases])
            pipe.multi()
            for lease, holder in zip(leases, holders, strict=True):
                if holder == lease.value:
                    pipe.set(self._of(lease.unit.name).capture, statuses[lease].encode())

        if statuses:
            await self._transaction(queue)

    async def erase(self, lease: Lease, incarnation: str | None = None) -> None:
        """What the capture of a removed camera wrote; nothing while the camera is there in this incarnation. Nobody
        else writes for a later one before this lease is over."""
        of_camera = self._of(lease.unit.name)

        async def queue(pipe: Any) -> None:
            await pipe.watch(lease.unit.lease, keys.CAMERAS)
            ours = await pipe.get(lease.unit.lease) == lease.value
            record = await pipe.hget(keys.CAMERAS, lease.unit.name)
            pipe.multi()
            if ours and is_over(record, incarnation):
                pipe.delete(of_camera.frames, of_camera.capture)
            if ours and record is None:
                pipe.expire(lease.unit.fence, _FENCE_EXPIRES_S)

        await self._transaction(queue)

    async def _transaction(self, queue: Callable[[Any], Awaitable[None]]) -> None:
        with translated():
            for _ in range(TRIES):
                async with self._client.pipeline(transaction=True) as pipe:
                    try:
                        await queue(pipe)
                        await pipe.execute()
                        return
                    except redis.WatchError:  # a lease was renewed meanwhile
                        continue
        raise BusUnavailableError("the leases of the captures are being changed all the time")

    def _of(self, camera_id: str) -> CameraKeys:
        return CameraKeys.for_camera(camera_id, self._partitions)
