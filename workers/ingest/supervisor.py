"""Runs a capture for each camera that this worker holds, and publishes their status."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
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
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState, CaptureStatus, Reason
from patchwatch.messages.cameras.correction import CameraCorrections
from workers.ingest.camera_capture import CameraCapture, PublisherSlot
from workers.ingest.capture.capture_status import CaptureStatusTracker
from workers.ingest.capture_status_store import CaptureStatusStore
from workers.runtime.config_replica import ConfigReplica
from workers.runtime.heartbeat import HeartbeatWriter
from workers.runtime.leases import Lease, Leases
from workers.runtime.processes.cpu_meter import CpuMeter, available_cores

_POLL_S = 0.25
_WRITE_EVERY_S = 1.0
_CANCEL_AGAIN_S = 5.0  # Longer than it takes to end a capture.
_CLAIM_EVERY_S = 0.05  # While a publisher waits for its camera to be handed over to this worker.
_HAND_OVER_WITHIN_S = 12.0  # Longer than an orphaned lease lasts, and than it takes to end a capture.
STABLE_AFTER_S = 30.0
log = logging.getLogger("patchwatch.ingest")


@dataclass(frozen=True, slots=True)
class _Running:
    capture: CameraCapture
    task: asyncio.Task[None]


class Supervisor:
    """Captures the cameras that this worker holds a lease of; other workers have the rest.

    Follows the configuration in Redis, and goes on with what it knows while Redis is away.
    """

    def __init__(
        self, settings: Settings, client: redis.asyncio.Redis, *, stable_after_s: float = STABLE_AFTER_S
    ) -> None:
        self._settings = settings
        self._client = client
        self._replica = ConfigReplica(client, keys.CAMERAS, keys.CAMERAS_REVISION, Camera.decode, "camera")
        self._corrections = ConfigReplica(
            client, keys.CORRECTIONS, keys.CORRECTIONS_REVISION, CameraCorrections.decode, "camera's correction"
        )
        self._statuses = CaptureStatusStore(client, settings.partitions)
        self._leases = Leases(settings.shared_redis_url, Role.INGEST)
        self._stable_after_s = stable_after_s
        self._cameras: dict[str, Camera] = {}
        self._work: dict[LeaseKeys, int] = {}  # what each of them is
        self._running: dict[str, _Running] = {}
        self._finished: dict[str, CameraCapture] = {}  # Their final status is not yet in Redis.
        self._ending: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._refreshing = asyncio.Lock()
        self._clock = BusClock()
        self._heartbeat = HeartbeatWriter(Role.INGEST, self._leases.worker, self._clock)
        self._meter = CpuMeter(os.getpid(), available_cores())
        self._outage = OutageLog("captures go on, their frames are counted as unpublished")

    async def run(self) -> None:
        """Runs until `stop`; then stops every capture, writes its final status, and returns its lease."""
        self._leases.start()
        stopping = asyncio.create_task(self._stopping.wait())
        tasks = [asyncio.create_task(coroutine) for coroutine in (self._follow_configuration(), self._write_statuses())]
        try:
            await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()  # Before `stop`, a task ends only by a bug, which ends this worker.
        finally:
            self._stopping.set()
            await asyncio.gather(*map(_cancel, tasks))
            await asyncio.gather(
                *(_cancel(running.task) for running in self._running.values()), *map(_cancel, self._ending)
            )
            for capture in self._captures():
                capture.status.stop_worker()
            with contextlib.suppress(BusUnavailableError):
                await self._forget_worker()
            await asyncio.to_thread(self._leases.stop)

    def stop(self) -> None:
        """Make `run` end."""
        self._stopping.set()

    def camera(self, camera_id: str) -> Camera | None:
        """The camera, whoever captures it."""
        return self._cameras.get(camera_id)

    @property
    def cameras(self) -> Mapping[str, Camera]:
        """All cameras by id, whoever captures them."""
        return self._cameras

    def publisher_refused(self, camera_id: str, reason: Reason, detail: str) -> None:
        """Show in the camera's status why a publisher was refused, if it is captured here and nobody publishes."""
        if running := self._running.get(camera_id):
            running.capture.publisher_refused(reason, detail)

    async def admit(self, camera_id: str, url: str) -> PublisherSlot:
        """Give an authenticated publisher its camera's slot; a camera that another worker holds is claimed from it.

        Raises `NotFoundError` when the camera was removed, `ConflictError` when it was not handed over in time, and
        `BusUnavailableError`.
        """
        capture = await self._claimed_capture(camera_id)
        slot = await capture.admit(url)
        self._request_leases()
        return slot

    async def _claimed_capture(self, camera_id: str) -> CameraCapture:
        unit, deadline_s = self._unit(camera_id), time.monotonic() + _HAND_OVER_WITHIN_S
        while (running := self._running.get(camera_id)) is None:
            if camera_id not in self._cameras:
                raise NotFoundError(f"no camera {camera_id}")
            if time.monotonic() > deadline_s:
                raise ConflictError(
                    f"camera {camera_id} is captured by another ingest worker, which did not hand it over"
                )
            if await asyncio.to_thread(self._leases.claim, unit):
                await self.refresh()
            else:
                await asyncio.sleep(_CLAIM_EVERY_S)
        return running.capture

    async def add_camera(self, camera: Camera) -> None:
        """Create a camera. Raises `BusUnavailableError`."""
        await self._replica.add(camera.model_copy(update={"incarnation": uuid.uuid4().hex}))
        await self.refresh()

    async def _follow_configuration(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.refresh()
            except BusUnavailableError as error:
                self._outage.failed(error)
            await asyncio.sleep(_POLL_S)

    async def refresh(self) -> None:
        """Apply changes of the configuration and of the leases now. Raises `BusUnavailableError`."""
        async with self._refreshing:
            await self._apply_changes()

    async def _apply_changes(self) -> None:
        with translated():
            await self._clock.sync_async(self._client)
        self._follow(await self._replica.read())
        await self._corrections.read()  # kept, to be put back into a Redis that has lost them
        self._outage.answered()
        self._request_leases()
        owned, leaving = self._leases.owned, self._leases.leaving
        stale = [name for name, running in self._running.items() if self._is_stale(running.capture, owned, leaving)]
        ended = {name: self._running.pop(name) for name in stale}
        self._finished |= {name: running.capture for name, running in ended.items()}
        await self._end([running.task for running in ended.values()])
        for name, capture in list(self._finished.items()):
            await self._finish(capture)
            del self._finished[name]
        await self._start_owned()
        await self._hand_back()

    def _is_stale(
        self, capture: CameraCapture, owned: Mapping[LeaseKeys, bytes], leaving: Collection[LeaseKeys]
    ) -> bool:
        lease = capture.lease
        configured = capture.camera.captures_like(self._cameras.get(capture.camera.id))
        return not configured or owned.get(lease.unit) != lease.value or lease.unit in leaving

    async def _finish(self, capture: CameraCapture) -> None:
        """Write the final status of a finished capture, from which the next worker goes on. Nothing is written once its
        lease has passed on."""
        lease, camera_id = capture.lease, capture.camera.id
        current = self._cameras.get(camera_id)
        if current is not None and current.incarnation == capture.camera.incarnation:
            await self._statuses.write({lease: capture.status.current()})
        else:
            await self._statuses.erase(lease, capture.camera.incarnation)
            log.info("camera %s: removed", camera_id)
        if current is None:
            await asyncio.to_thread(self._leases.release, lease.unit)

    async def _hand_back(self) -> None:
        """Leave cameras to other workers, also those whose capture had ended before for another reason."""
        for unit in self._leases.leaving:
            if unit.name not in self._running:
                log.info("camera %s: left to other ingest workers", unit.name)
                await asyncio.to_thread(self._leases.release, unit)

    async def _start_owned(self) -> None:
        leaving = self._leases.leaving
        for unit, value in self._leases.owned.items():
            camera = self._cameras.get(unit.name)
            if camera is not None and camera.id not in self._running and unit not in leaving:
                before = await self._statuses.read(camera.id)
                known = before is not None and before.camera_incarnation in (None, camera.incarnation)
                self._start(camera, Lease(unit, value), before if known else None)

    def _follow(self, cameras: dict[str, Camera]) -> None:
        if cameras != self._cameras:  # seldom, and this is asked four times a second
            self._cameras = cameras
            self._work = {self._unit(camera.id): int(camera.enabled) for camera in cameras.values()}

    def _request_leases(self) -> None:
        pinned = (
            running.capture.lease.unit
            for running in self._running.values()
            if running.capture.pinned and not running.task.done()
        )
        self._leases.want(self._work, frozenset(pinned))

    def _unit(self, camera_id: str) -> LeaseKeys:
        return LeaseKeys.for_capture(camera_id, self._settings.partitions)

    def _captures(self) -> list[CameraCapture]:
        return [*self._finished.values(), *(running.capture for running in self._running.values())]

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        """Cancel tasks; if this is itself cancelled, `run` waits for them."""
        self._ending.update(tasks)
        await asyncio.gather(*map(_cancel, tasks))
        self._ending.difference_update(tasks)

    def _start(self, camera: Camera, lease: Lease, before: CaptureStatus | None) -> None:
        fps = camera.analysis_fps or self._settings.analysis_fps
        status = CaptureStatusTracker(camera, fps, before, self._changed.set, self._clock)
        capture = CameraCapture(camera, self._settings, status, self._stable_after_s, lease)
        coroutine = _nothing() if _was_read(camera, before) else capture.run()
        self._running[camera.id] = _Running(capture, asyncio.create_task(coroutine, name=f"camera {camera.id}"))

    async def _write_statuses(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(
                TimeoutError
            ):  # Not wait_for, which may swallow a cancellation before Python 3.12.
                async with asyncio.timeout(_WRITE_EVERY_S):
                    await self._changed.wait()
            self._changed.clear()
            try:
                await self._write_once()
            except BusUnavailableError as error:
                self._outage.failed(error)
                await asyncio.sleep(_POLL_S)

    async def _write_once(self) -> None:
        own_load, captures = self._meter.measure(), self._captures()
        beside = (own_load or 0.0) / max(1, len(captures))
        await self._statuses.write({capture.lease: capture.status.current(beside) for capture in captures})
        live = [capture.status.load or 0.0 for capture in captures if capture.status.state is CaptureState.LIVE]
        load = None if own_load is None else own_load + sum(live)
        with translated():
            await self._heartbeat.write(self._client, cameras=len(self._running), load=load)

    async def _forget_worker(self) -> None:
        await self._write_once()
        with translated():
            await self._client.delete(self._heartbeat.key)


async def _cancel(task: asyncio.Task[None]) -> None:
    """Cancel a task until it has ended: what it awaits may swallow a cancellation that arrives as it finishes."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_CANCEL_AGAIN_S)


def _was_read(camera: Camera, before: CaptureStatus | None) -> bool:
    """Whether it is a file that was read to its end. It is read again when its configuration changes, not whenever a
    worker starts."""
    return before is not None and (before.state, before.camera_revision) == (CaptureState.ENDED, camera.revision)


async def _nothing() -> None: ...
