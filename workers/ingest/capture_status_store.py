"""The cameras' `CaptureStatus` in Redis. Each is written only under the lease of its camera's capture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import redis.asyncio

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.stored_records import readable
from patchwatch.bus.writes import transact_async
from patchwatch.messages.cameras.camera import is_over
from patchwatch.messages.cameras.capture_status import CaptureStatus
from workers.runtime.leases import Lease

_WRITE_AT_ONCE = 100  # statuses
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
        """Write the statuses whose lease still holds. Those of many cameras take several transactions, as each is begun
        anew when one of its leases is renewed."""
        leases = list(statuses)
        for start in range(0, len(leases), _WRITE_AT_ONCE):
            some = leases[start : start + _WRITE_AT_ONCE]
            await self._write({lease: statuses[lease] for lease in some})

    async def _write(self, statuses: Mapping[Lease, CaptureStatus]) -> None:
        leases = list(statuses)
        lease_keys = [name for lease in leases for name in (lease.unit.lease, lease.unit.fence)]

        async def attempt(pipe: Any) -> None:
            answers = await pipe.mget(lease_keys)
            pipe.multi()
            for lease, holder, token in zip(leases, answers[::2], answers[1::2], strict=True):
                if lease.is_held(holder, token):
                    pipe.set(self._keys(lease.unit.name).capture, statuses[lease].encode())

        with translated():
            await transact_async(self._client, attempt, *lease_keys, subject="the leases of the captures")

    async def erase(self, lease: Lease, incarnation: str | None = None) -> None:
        """Delete what the capture of a removed camera wrote, unless the camera still exists in this incarnation. Nobody
        writes for a later incarnation before this lease is over."""
        camera_keys = self._keys(lease.unit.name)

        async def attempt(pipe: Any) -> None:
            is_held = lease.is_held(*await pipe.mget(lease.unit.lease, lease.unit.fence))
            record = await pipe.hget(keys.CAMERAS, lease.unit.name)
            pipe.multi()
            if is_held and is_over(record, incarnation):
                pipe.delete(camera_keys.frames, camera_keys.capture)
            if is_held and record is None:
                pipe.expire(lease.unit.fence, _FENCE_EXPIRES_S)

        with translated():
            await transact_async(
                self._client, attempt, lease.unit.lease, lease.unit.fence, keys.CAMERAS,
                subject=f"the lease of camera {lease.unit.name}",
            )  # fmt: skip

    def _keys(self, camera_id: str) -> CameraKeys:
        return CameraKeys.for_camera(camera_id, self._partitions)
