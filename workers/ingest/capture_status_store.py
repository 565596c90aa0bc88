"""The cameras' `CaptureStatus` in Redis, each written under the lease of its camera's capture alone."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import redis.asyncio

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.transaction import transact_async
from patchwatch.contract.errors import InvalidMessageError
from patchwatch.messages.camera import is_over
from patchwatch.messages.capture_status import CaptureStatus
from workers.runtime.lease import Lease

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
        leases = list(statuses)
        lease_keys = [name for lease in leases for name in (lease.unit.lease, lease.unit.fence)]

        async def attempt(pipe: Any) -> None:
            answers = await pipe.mget(lease_keys)
            pipe.multi()
            for lease, holder, token in zip(leases, answers[::2], answers[1::2], strict=True):
                if lease.is_held(holder, token):
                    pipe.set(self._of(lease.unit.name).capture, statuses[lease].encode())

        if leases:
            with translated():
                await transact_async(self._client, attempt, *lease_keys, subject="the leases of the captures")

    async def erase(self, lease: Lease, incarnation: str | None = None) -> None:
        """What the capture of a removed camera wrote; nothing while the camera is there in this incarnation. Nobody
        else writes for a later one before this lease is over."""
        of_camera = self._of(lease.unit.name)

        async def attempt(pipe: Any) -> None:
            is_held = lease.is_held(*await pipe.mget(lease.unit.lease, lease.unit.fence))
            record = await pipe.hget(keys.CAMERAS, lease.unit.name)
            pipe.multi()
            if is_held and is_over(record, incarnation):
                pipe.delete(of_camera.frames, of_camera.capture)
            if is_held and record is None:
                pipe.expire(lease.unit.fence, _FENCE_EXPIRES_S)

        with translated():
            await transact_async(
                self._client, attempt, lease.unit.lease, lease.unit.fence, keys.CAMERAS,
                subject=f"the lease of camera {lease.unit.name}",
            )  # fmt: skip

    def _of(self, camera_id: str) -> CameraKeys:
        return CameraKeys.for_camera(camera_id, self._partitions)
