"""Runs a capture process for every configured camera and writes down where each stands."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from dataclasses import dataclass

import redis.asyncio

from patchwatch import keys
from patchwatch.bus import translated
from patchwatch.errors import BusUnavailableError, InvalidMessageError, NotFoundError
from patchwatch.keys import CameraKeys
from patchwatch.messages.camera import Camera
from patchwatch.messages.status import CaptureState, CaptureStatus, WorkerBeat
from patchwatch.settings import Settings
from workers.ingest.keeper import Keeper, PublisherSlot
from workers.ingest.roster import Roster
from workers.ingest.standing import Standing, now_ms

_POLL_S = 0.5
_WRITE_EVERY_S = 1.0
_BEAT_EXPIRES_S = 10
STABLE_AFTER_S = 30.0
log = logging.getLogger("patchwatch.ingest")


@dataclass(frozen=True, slots=True)
class _Kept:
    keeper: Keeper
    task: asyncio.Task[None]


class Supervisor:
    """Follows the configuration in Redis; keeps going, with what it knows, while Redis is away."""

    def __init__(
        self, settings: Settings, client: redis.asyncio.Redis, *, stable_after_s: float = STABLE_AFTER_S
    ) -> None:
        self._settings = settings
        self._client = client
        self._roster = Roster(client)
        self._stable_after_s = stable_after_s
        self._kept: dict[str, _Kept] = {}
        self._changed = asyncio.Event()
        self._following = asyncio.Lock()
        self._started_at_ms = now_ms()
        self._away = False

    async def run(self) -> None:
        """Until cancelled; then every capture is stopped and the last word about it written."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._follow_configuration())
                tasks.create_task(self._write_statuses())
        finally:
            await asyncio.gather(*(_ended(kept) for kept in self._kept.values()))
            for kept in self._kept.values():
                kept.keeper.standing.worker_stops()
            with contextlib.suppress(BusUnavailableError):
                await self._forget_worker()

    def camera(self, camera_id: str) -> Camera | None:
        """The camera as it is captured now."""
        kept = self._kept.get(camera_id)
        return kept.keeper.camera if kept else None

    async def admit(self, camera_id: str, path: str) -> PublisherSlot:
        """A place for a publisher whose right was checked. Raises `NotFoundError` when the camera went away."""
        kept = self._kept.get(camera_id)
        if kept is None:
            raise NotFoundError(f"no camera {camera_id}")
        return await kept.keeper.admit(path)

    async def add_camera(self, camera: Camera) -> None:
        """Create a camera and start keeping it. Raises `BusUnavailableError`."""
        await self._roster.add(camera)
        await self.refresh()

    async def _follow_configuration(self) -> None:
        while True:
            try:
                await self.refresh()
            except BusUnavailableError as error:
                self._bus_is(away=True, why=str(error))
            await asyncio.sleep(_POLL_S)

    async def refresh(self) -> None:
        """Take changes of the configuration over now. Raises `BusUnavailableError`."""
        async with self._following:
            await self._follow_once()

    async def _follow_once(self) -> None:
        cameras = await self._roster.read()
        self._bus_is(away=False)
        stale = [camera_id for camera_id, kept in self._kept.items() if cameras.get(camera_id) != kept.keeper.camera]
        gone = [(camera_id, self._kept.pop(camera_id)) for camera_id in stale]
        await asyncio.gather(*(_ended(kept) for _, kept in gone))
        for camera_id, kept in gone:
            if camera_id not in cameras:
                await self._clear(camera_id)
            else:
                self._keep(cameras[camera_id], kept.keeper.standing.status())
        for camera_id in cameras.keys() - self._kept.keys():
            self._keep(cameras[camera_id], await self._status_before(camera_id))

    def _keep(self, camera: Camera, before: CaptureStatus | None) -> None:
        fps = camera.analysis_fps or self._settings.analysis_fps
        standing = Standing(camera, fps, before, self._changed.set)
        keeper = Keeper(camera, self._settings, standing, self._stable_after_s)
        life = _nothing() if _was_read(camera, before) else keeper.run()
        self._kept[camera.id] = _Kept(keeper, asyncio.create_task(life, name=f"camera {camera.id}"))

    async def _status_before(self, camera_id: str) -> CaptureStatus | None:
        with translated():
            data = await self._client.get(CameraKeys.of(camera_id, self._settings.partitions).capture)
        try:
            return CaptureStatus.decode(data) if data else None
        except InvalidMessageError as error:
            log.warning("camera %s: its earlier status is left out: %s", camera_id, error)
            return None

    async def _clear(self, camera_id: str) -> None:
        """What the capture wrote after the camera was removed."""
        of_camera = CameraKeys.of(camera_id, self._settings.partitions)
        with translated():
            await self._client.delete(of_camera.frames, of_camera.capture)
        log.info("camera %s: removed", camera_id)

    async def _write_statuses(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), _WRITE_EVERY_S)
            self._changed.clear()
            try:
                await self._write_once()
            except BusUnavailableError as error:
                self._bus_is(away=True, why=str(error))
                await asyncio.sleep(_POLL_S)

    async def _write_once(self) -> None:
        with translated():
            async with self._client.pipeline(transaction=False) as pipe:
                for camera_id, kept in self._kept.items():
                    status = kept.keeper.standing.status()
                    pipe.set(CameraKeys.of(camera_id, self._settings.partitions).capture, status.encode())
                beat = WorkerBeat(
                    role="ingest", host=socket.gethostname(), pid=os.getpid(), started_at_ms=self._started_at_ms,
                    updated_at_ms=now_ms(), cameras=len(self._kept),
                )  # fmt: skip
                pipe.set(self._worker_key(), beat.encode(), ex=_BEAT_EXPIRES_S)
                await pipe.execute()

    async def _forget_worker(self) -> None:
        await self._write_once()
        with translated():
            await self._client.delete(self._worker_key())

    def _worker_key(self) -> str:
        return keys.worker("ingest", f"{socket.gethostname()}-{os.getpid()}")

    def _bus_is(self, away: bool, why: str = "") -> None:
        if away and not self._away:
            log.warning("%s; captures go on, their frames are counted as unpublished", why)
        elif self._away and not away:
            log.info("Redis answers again")
        self._away = away


async def _ended(kept: _Kept) -> None:
    kept.task.cancel()
    await asyncio.gather(kept.task, return_exceptions=True)


def _was_read(camera: Camera, before: CaptureStatus | None) -> bool:
    """Whether it is a file that was read to its end: it is read again when its configuration changes, not at each
    start of this worker."""
    return before is not None and (before.state, before.camera_revision) == (CaptureState.ENDED, camera.revision)


async def _nothing() -> None: ...
