"""The cameras' `CaptureStatus` in Redis. Each is written only under the lease of its camera's capture."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import redis.asyncio

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.stored_records import readable
from patchwatch.contract.errors import BusUnavailableError
from patchwatch.messages.camera import is_over
from patchwatch.messages.capture_status import CaptureStatus
from workers.runtime.lease import Lease

_FENCE_EXPIRES_S = 86_400  # Far longer than a suspended process of the removed camera may sleep.


class CaptureStatusStore:
    """All methods raise `BusUnavailableError`."""

    def __init__(self, client: redis.asyncio.Redis, partitions: int) -> None:
        self._client = client
        self._partitions = partitions

    async def read(self, camera_id: str) -> CaptureStatus | None:
        """The status that the previous worker wrote. Read it under the lease, when nobody else can change it."""
        with translated():
            data = cast("bytes | None", await self._client.get(self._keys(camera_id).capture))
        return readable(CaptureStatus.decode, data, f"the earlier status of camera {camera_id}")

    async def write(self, statuses: Mapping[Lease, CaptureStatus]) -> None:
        """Write, in one transaction, the statuses whose lease still holds."""

        async def attempt(pipe: Any) -> None:
            answers = await pipe.mget(lease_keys)
            pipe.multi()
            for lease, holder in zip(leases, holders, strict=True):
                if holder == lease.value:
                    pipe.set(self._keys(lease.unit.name).capture, statuses[lease].encode())

        if leases:
            with translated():
                await transact_async(self._client, attempt, *lease_keys, subject="the leases of the captures")

    async def erase(self, lease: Lease, incarnation: str | None = None) -> None:
        """Delete what the capture of a removed camera wrote, unless the camera still exists in this incarnation. Nobody
        writes for a later incarnation before this lease is over."""
        camera_keys = self._keys(lease.unit.name)

        async def queue(pipe: Any) -> None:
            await pipe.watch(lease.unit.lease, keys.CAMERAS)
            is_ours = await pipe.get(lease.unit.lease) == lease.value
            record = await pipe.hget(keys.CAMERAS, lease.unit.name)
            pipe.multi()
            if is_ours and is_over(record, incarnation):
                pipe.delete(camera_keys.frames, camera_keys.capture)
            if is_ours and record is None:
                pipe.expire(lease.unit.fence, _FENCE_EXPIRES_S)

        with translated():
            for _ in range(TRIES):
                async with self._client.pipeline(transaction=True) as pipe:
                    try:
                        await queue(pipe)
                        await pipe.execute()
                        return
                    except redis.WatchError:  # A lease was renewed meanwhile.
                        continue
        raise BusUnavailableError("the leases of the captures are being changed all the time")

    def _keys(self, camera_id: str) -> CameraKeys:
        return CameraKeys.of(camera_id, self._partitions)
