"""A replica of the configured cameras in Redis."""

from __future__ import annotations

import logging
import uuid
from typing import Any, cast

import redis.asyncio

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.stored_records import readable
from patchwatch.contract.bounds import counted
from patchwatch.messages.camera import Camera

log = logging.getLogger("patchwatch.ingest")


class CameraReplica:
    """Reads the cameras when their revision changes, and restores them when Redis has lost its data.

    Removing a camera raises the revision; a Redis that restarted empty or was flushed has a lower one or none. Only
    then is the replica written back, so a camera that the user removed stays removed.
    """

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._revision: int | None = None
        self._cameras: dict[str, Camera] = {}

    async def read(self) -> dict[str, Camera]:
        """All cameras by id. Raises `BusUnavailableError`."""
        with translated():
            revision = counted(cast("bytes | None", await self._client.get(keys.CAMERAS_REVISION)))
            if self._revision is not None and revision < self._revision:
                revision = await self._restore()
            if revision != self._revision:
                self._cameras = await self._load()
                self._revision = revision
        return dict(self._cameras)

    async def add(self, camera: Camera) -> bool:
        """Add a camera unless its id exists; returns whether it did not. Raises `BusUnavailableError`."""
        with translated():
            new = camera.model_copy(update={"incarnation": uuid.uuid4().hex})
            added = await cast(Any, self._client.hsetnx(keys.CAMERAS, camera.id, new.encode()))
            await self._client.incr(keys.CAMERAS_REVISION)
        return bool(added)

    async def _load(self) -> dict[str, Camera]:
        stored: dict[bytes, bytes] = await cast(Any, self._client.hgetall(keys.CAMERAS))
        decoded = (
            readable(Camera.decode, data, f"camera {camera_id!r} (remove it, and add it again)")
            for camera_id, data in stored.items()
        )
        return {camera.id: camera for camera in decoded if camera is not None}

    async def _restore(self) -> int:
        log.warning("Redis has lost its data: putting %d cameras back", len(self._cameras))
        async with self._client.pipeline(transaction=True) as pipe:
            for camera in self._cameras.values():
                pipe.hsetnx(keys.CAMERAS, camera.id, camera.encode())
            revision = (self._revision or 0) + 1
            pipe.set(keys.CAMERAS_REVISION, revision)  # Replaces whatever is there, even if it is not a number.
            await pipe.execute()
        return revision
