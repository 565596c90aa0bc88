"""Runs a capture process for each camera that this worker holds, and writes down where each stands."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import redis.asyncio

from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import translated
from patchwatch.bus.keys import LeaseKeys
from patchwatch.bus.outage_log import OutageLog
from patchwatch.contract.errors import BusUnavailableError, ConflictError, NotFoundError
from patchwatch.contract.roles import Role
from patchwatch.contract.settings import Settings
from patchwatch.messages.camera import Camera
from patchwatch.messages.capture_status import CaptureState, CaptureStatus, Reason
from workers.ingest.camera_capture import CameraCapture, PublisherSlot
from workers.ingest.capture.capture_status import CaptureStatusTracker
from workers.ingest.capture_status_store import CaptureStatusStore
from workers.runtime.config_replica import ConfigReplica
from workers.runtime.heartbeat import HeartbeatWriter
from workers.runtime.lease import Lease
from workers.runtime.leases import Leases

_POLL_S = 0.25
_WRITE_EVERY_S = 1.0
_CANCEL_AGAIN_S = 5.0  # longer than the end of a capture takes
_ASK_EVERY_S = 0.05  # for a camera whose publisher came to us
_HAND_OVER_WITHIN_S = 12.0  # longer than a lease whose owner is gone, and than the end of a capture
STABLE_AFTER_S = 30.0
log = logging.getLogger("patchwatch.ingest")


@dataclass(frozen=True, slots=True)
class _Kept:
    keeper: CameraCapture
    task: asyncio.Task[None]


class Supervisor:
    """Captures the cameras that this worker holds a lease of; others have the rest.

    Follows the configuration in Redis; keeps going, with what it knows, while Redis is away.
    """

    def __init__(
        self, settings: Settings, client: redis.asyncio.Redis, *, stable_after_s: float = STABLE_AFTER_S
    ) -> None:
        assert settings.redis_url is not None, "the ingest worker checked it"
        self._settings = settings
        self._client = client
        self._configured = ConfigReplica(client, keys.CAMERAS, keys.CAMERAS_REVISION, Camera.decode, "camera")
        self._ledger = CaptureStatusStore(client, settings.partitions)
        self._leases = Leases(settings.redis_url.get_secret_value(), Role.INGEST)
        self._stable_after_s = stable_after_s
        self._cameras: dict[str, Camera] = {}
        self._kept: dict[str, _Kept] = {}
        self._over: dict[str, CameraCapture] = {}  # their captures are over, but not yet settled with Redis
        self._leaving: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._following = asyncio.Lock()
        self._clock = BusClock()
        self._heartbeat = HeartbeatWriter(Role.INGEST, self._leases.worker, self._clock)
        self._outage = OutageLog("captures go on, their frames are counted as unpublished")

    async def run(self) -> None:
        """Until `stop`; then every capture is stopped, the last word about it written, and its lease given back."""
        self._leases.start()
        stopping = asyncio.create_task(self._stopping.wait())
        tasks = [asyncio.create_task(life) for life in (self._follow_configuration(), self._write_statuses())]
        try:
            await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()  # neither ends before but by a defect, which ends this worker
        finally:
            self._stopping.set()
            await asyncio.gather(*(_ended(task) for task in tasks))
            await asyncio.gather(*(_ended(kept.task) for kept in self._kept.values()), *map(_ended, self._leaving))
            for keeper in self._keepers():
                keeper.standing.worker_stops()
            with contextlib.suppress(BusUnavailableError):
                await self._forget_worker()
            await asyncio.to_thread(self._leases.stop)

    def stop(self) -> None:
        """Let `run` end."""
        self._stopping.set()

    def camera(self, camera_id: str) -> Camera | None:
        """The camera, whoever captures it."""
        return self._cameras.get(camera_id)

    @property
    def cameras(self) -> Mapping[str, Camera]:
        """All cameras by id, whoever captures them."""
        return self._cameras

    def publisher_refused(self, camera_id: str, reason: Reason, detail: str) -> None:
        """A publisher of the camera was not taken: its status says why, if it is captured here and idle."""
        if kept := self._kept.get(camera_id):
            kept.keeper.publisher_refused(reason, detail)

    async def admit(self, camera_id: str, url: str) -> PublisherSlot:
        """A place for a publisher whose right was checked; the worker that holds its camera is asked for it.

        Raises `NotFoundError` when the camera went away, `ConflictError` when it was not handed over in time, and
        `BusUnavailableError`.
        """
        keeper = await self._keeper_here(camera_id)
        slot = await keeper.admit(url)
        self._want()
        return slot

    async def _keeper_here(self, camera_id: str) -> CameraCapture:
        unit, deadline_s = self._unit(camera_id), time.monotonic() + _HAND_OVER_WITHIN_S
        while (kept := self._kept.get(camera_id)) is None:
            if camera_id not in self._cameras:
                raise NotFoundError(f"no camera {camera_id}")
            if time.monotonic() > deadline_s:
                raise ConflictError(f"camera {camera_id} is captured by another ingest worker, which does not let go")
            if await asyncio.to_thread(self._leases.claim, unit):
                await self.refresh()
            else:
                await asyncio.sleep(_ASK_EVERY_S)
        return kept.keeper

    async def add_camera(self, camera: Camera) -> None:
        """Create a camera. Raises `BusUnavailableError`."""
        await self._configured.add(camera.model_copy(update={"incarnation": uuid.uuid4().hex}))
        await self.refresh()

    async def _follow_configuration(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.refresh()
            except BusUnavailableError as error:
                self._outage.failed(error)
            await asyncio.sleep(_POLL_S)

    async def refresh(self) -> None:
        """Take changes of the configuration and of the leases over now. Raises `BusUnavailableError`."""
        async with self._following:
            await self._follow_once()

    async def _follow_once(self) -> None:
        with translated():
            await self._clock.sync_async(self._client)
        self._cameras = await self._configured.read()
        self._outage.answered()
        self._want()
        owned, leaving = self._leases.owned, self._leases.leaving
        stale = [name for name, kept in self._kept.items() if self._is_stale(kept.keeper, owned, leaving)]
        gone = {name: self._kept.pop(name) for name in stale}
        self._over |= {name: kept.keeper for name, kept in gone.items()}
        await self._let_go([kept.task for kept in gone.values()])
        for name, keeper in list(self._over.items()):
            await self._settle(keeper, leaving)
            del self._over[name]
        await self._keep_owned()

    def _is_stale(
        self, keeper: CameraCapture, owned: Mapping[LeaseKeys, bytes], leaving: Collection[LeaseKeys]
    ) -> bool:
        lease = keeper.lease
        configured = keeper.camera.captures_like(self._cameras.get(keeper.camera.id))
        return not configured or owned.get(lease.unit) != lease.value or lease.unit in leaving

    async def _settle(self, keeper: CameraCapture, leaving: Collection[LeaseKeys]) -> None:
        """Write down where a capture that is over stood, for whoever goes on; not once its lease is over too."""
        lease, camera_id = keeper.lease, keeper.camera.id
        now = self._cameras.get(camera_id)
        if now is not None and now.incarnation == keeper.camera.incarnation:
            await self._ledger.write({lease: keeper.standing.status()})
        else:
            await self._ledger.erase(lease, keeper.camera.incarnation)
            log.info("camera %s: removed", camera_id)
        if lease.unit in leaving or now is None:
            if now is not None:
                log.info("camera %s: left to other ingest workers", camera_id)
            await asyncio.to_thread(self._leases.release, lease.unit)

    async def _keep_owned(self) -> None:
        leaving = self._leases.leaving
        for unit, value in self._leases.owned.items():
            camera = self._cameras.get(unit.name)
            if camera is not None and camera.id not in self._kept and unit not in leaving:
                before = await self._ledger.read(camera.id)
                known = before is not None and before.camera_incarnation in (None, camera.incarnation)
                self._keep(camera, Lease(unit, value), before if known else None)

    def _want(self) -> None:
        work = {self._unit(camera.id): int(camera.enabled) for camera in self._cameras.values()}
        tied = (kept.keeper for kept in self._kept.values() if kept.keeper.tied and not kept.task.done())
        self._leases.want(work, frozenset(keeper.lease.unit for keeper in tied))

    def _unit(self, camera_id: str) -> LeaseKeys:
        return LeaseKeys.for_capture(camera_id, self._settings.partitions)

    def _keepers(self) -> list[CameraCapture]:
        return [*self._over.values(), *(kept.keeper for kept in self._kept.values())]

    async def _let_go(self, tasks: list[asyncio.Task[None]]) -> None:
        """End them; `run` sees it through when it is itself stopped meanwhile."""
        self._leaving.update(tasks)
        await asyncio.gather(*map(_ended, tasks))
        self._leaving.difference_update(tasks)

    def _keep(self, camera: Camera, lease: Lease, before: CaptureStatus | None) -> None:
        fps = camera.analysis_fps or self._settings.analysis_fps
        standing = CaptureStatusTracker(camera, fps, before, self._changed.set, self._clock)
        keeper = CameraCapture(camera, self._settings, standing, self._stable_after_s, lease)
        life = _nothing() if _was_read(camera, before) else keeper.run()
        self._kept[camera.id] = _Kept(keeper, asyncio.create_task(life, name=f"camera {camera.id}"))

    async def _write_statuses(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):  # not wait_for: before Python 3.12 it may swallow a cancellation
                async with asyncio.timeout(_WRITE_EVERY_S):
                    await self._changed.wait()
            self._changed.clear()
            try:
                await self._write_once()
            except BusUnavailableError as error:
                self._outage.failed(error)
                await asyncio.sleep(_POLL_S)

    async def _write_once(self) -> None:
        await self._ledger.write({keeper.lease: keeper.standing.status() for keeper in self._keepers()})
        with translated():
            await self._heartbeat.write(self._client, cameras=len(self._kept))

    async def _forget_worker(self) -> None:
        await self._write_once()
        with translated():
            await self._client.delete(self._heartbeat.key)


async def _ended(task: asyncio.Task[None]) -> None:
    """Cancel until it is over: what a task awaits may swallow a cancellation that comes as it finishes."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_CANCEL_AGAIN_S)


def _was_read(camera: Camera, before: CaptureStatus | None) -> bool:
    """Whether it is a file that was read to its end: it is read again when its configuration changes, not at each
    start of this worker."""
    return before is not None and (before.state, before.camera_revision) == (CaptureState.ENDED, camera.revision)


async def _nothing() -> None: ...
