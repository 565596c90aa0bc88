"""Cameras: their configurations in one hash. Every change also raises the common revision."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.stored_records import readable_by_id, required
from patchwatch.bus.writes import transact_async
from patchwatch.contract.errors import ConflictError, NotFoundError
from patchwatch.messages.base import CAMERA_ID_PATTERN
from patchwatch.messages.cameras.camera import MAX_CAMERAS, Camera

_T = TypeVar("_T")
_TRIES = 20  # a change is tried again when another one interferes


class CameraStore:
    """Reads and changes `keys.CAMERAS`. Raises `BusUnavailableError` when Redis is away.

    ``seen``: the only cameras that exist for its user; None: all.
    """

    def __init__(self, bus: Redis, partitions: int, seen: frozenset[str] | None = None) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._partitions = partitions
        self._seen = seen

    def limited(self, seen: frozenset[str] | None) -> CameraStore:
        """The same store, in which only some cameras exist."""
        return CameraStore(self._bus, self._partitions, seen)

    def _sees(self, camera_id: str) -> bool:
        return self._seen is None or camera_id in self._seen

    async def all(self) -> list[Camera]:
        """All cameras, by id. One that cannot be read is left out, as the workers leave it out."""
        with translated():
            stored = await self._bus.hgetall(keys.CAMERAS)
        cameras = readable_by_id(Camera.decode, stored, "camera").values()
        return [camera for camera in cameras if self._sees(camera.id)]

    async def ids(self) -> list[str]:
        with translated():
            names = [name.decode(errors="replace") for name in await self._bus.hkeys(keys.CAMERAS)]
        return sorted(name for name in names if re.fullmatch(CAMERA_ID_PATTERN, name) and self._sees(name))

    async def get(self, camera_id: str) -> Camera:
        """Raises `NotFoundError`."""
        with translated():
            data = await self._bus.hget(keys.CAMERAS, camera_id) if self._sees(camera_id) else None
        if data is None:
            raise unknown_camera(camera_id)
        return required(Camera.decode, data, f"camera {camera_id!r}")

    async def create(self, camera: Camera) -> Camera:
        """Add a camera. What is left of a deleted camera with that id is removed first.

        Raises `ConflictError` when the id is taken.
        """
        leftovers = keys.CameraKeys.for_camera(camera.id, self._partitions).all

        async def attempt(pipe: Any) -> Camera:
            if await pipe.hexists(keys.CAMERAS, camera.id):
                raise ConflictError(
                    f"camera {camera.id!r} exists already: change it with `patchwatch cameras update {camera.id}` or "
                    f"PATCH /api/v1/cameras/{camera.id}, or choose another id"
                )
            if await pipe.hlen(keys.CAMERAS) >= MAX_CAMERAS:
                raise ConflictError(f"remove a camera first: there are {MAX_CAMERAS}, and no more are possible")
            created = camera.model_copy(update={"revision": camera.revision + 1, "incarnation": uuid.uuid4().hex})
            pipe.multi()
            pipe.delete(*leftovers)
            pipe.hdel(keys.CORRECTIONS, camera.id)
            pipe.hset(keys.CAMERAS, camera.id, created.encode())
            pipe.incr(keys.CAMERAS_REVISION)
            return created

        return await self._transaction(attempt)

    async def change(self, camera_id: str, changes: Mapping[str, object]) -> Camera:
        """Apply changed fields. A field on which the capture depends raises the camera's revision. With a new privacy
        zone, the frames that wait to be scored are deleted.

        Raises `NotFoundError` or pydantic's `ValidationError`.
        """

        async def attempt(pipe: Any) -> Camera:
            data = await pipe.hget(keys.CAMERAS, camera_id)
            if data is None:
                raise unknown_camera(camera_id)
            before = required(Camera.decode, data, f"camera {camera_id!r}")
            healed = {"zones_fault": None} if "zones" in changes else {}
            after = Camera.model_validate({**before.model_dump(), **changes, **healed})
            if not after.captures_like(before):
                after = after.model_copy(update={"revision": before.revision + 1})
            pipe.multi()
            pipe.hset(keys.CAMERAS, camera_id, after.encode())
            pipe.incr(keys.CAMERAS_REVISION)
            if not set(after.privacy) <= set(before.privacy):  # nobody may see the frames from before any more
                pipe.xtrim(keys.CameraKeys.for_camera(camera_id, self._partitions).frames, maxlen=0, approximate=False)
            return after

        return await self._transaction(attempt)

    async def delete(self, camera_id: str) -> None:
        """Remove a camera with its frames, scores and states. Its alerts and banks stay. Raises `NotFoundError`."""

        async def attempt(pipe: Any) -> None:
            if not await pipe.hexists(keys.CAMERAS, camera_id):
                raise unknown_camera(camera_id)
            pipe.multi()
            pipe.hdel(keys.CAMERAS, camera_id)
            pipe.incr(keys.CAMERAS_REVISION)
            pipe.hdel(keys.CORRECTIONS, camera_id)
            pipe.incr(keys.CORRECTIONS_REVISION)
            pipe.hdel(keys.MUTES, camera_id)
            pipe.delete(*keys.CameraKeys.for_camera(camera_id, self._partitions).all)

        await self._transaction(attempt)

    async def _transaction(self, attempt: Callable[[Any], Awaitable[_T]]) -> _T:
        with translated():
            return await transact_async(self._bus, attempt, keys.CAMERAS, subject="the cameras", tries=_TRIES)


def unknown_camera(camera_id: str) -> NotFoundError:
    """The error for a camera that does not exist, or not for the caller."""
    return NotFoundError(f"there is no camera {camera_id!r}: see `patchwatch cameras list` or GET /api/v1/cameras")
