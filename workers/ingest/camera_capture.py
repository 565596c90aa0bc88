"""Keeps one camera's capture running: starts its process, monitors it, and restarts it with a backoff."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from patchwatch.bus.backoff import Backoff, RestartBackoff, late_jitter
from patchwatch.contract.errors import SourceRejectedError
from patchwatch.contract.redaction import redact
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState, Reason
from patchwatch.messages.cameras.source import Source, SourceKind
from workers.ingest.capture.capture_status import CaptureStatusTracker
from workers.ingest.capture.monitor import CaptureEnd, CaptureMonitor
from workers.ingest.capture.process import CaptureProcess
from workers.ingest.capture.protocol import CaptureOrder, ReportKind
from workers.runtime.leases import Lease

_DRAIN_S = 1.0  # Time for the capture to read what a publisher sent before it left.
log = logging.getLogger("patchwatch.ingest")


class PublisherSlot:
    """A camera's one publisher at a time. The capture plays from ``url`` until the publisher has to `leave`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.ended = asyncio.Event()  # The capture has ended.
        self.end_reason = ""  # Why the capture ended, unless the publisher left.
        self.left = asyncio.Event()  # The publisher has gone.
        self.drain_s = _DRAIN_S

    def leave(self, at_once: bool = False) -> None:
        """The publisher is gone, or (``at_once``) has to make room for a newer one."""
        if at_once:
            self.drain_s = 0.0
        self.left.set()


class CameraCapture:
    """Runs one camera's captures. ``run`` returns only when retrying cannot help: rejected source, file finished."""

    def __init__(
        self, camera: Camera, settings: Settings, status: CaptureStatusTracker, stable_after_s: float, lease: Lease
    ) -> None:
        self.camera = camera
        self.status = status
        self.lease = lease
        self._settings = settings
        self._kind = Source.parse(camera.source).kind
        backoff = Backoff(settings.reconnect_min_s, settings.reconnect_max_s, late_jitter)
        self._backoff = RestartBackoff(backoff, stable_after_s)
        self._quiet_s = max(settings.source_timeout_s, 3 / (camera.analysis_fps or settings.analysis_fps))
        self._slot: PublisherSlot | None = None
        self._admitting = asyncio.Lock()
        self._slot_taken = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def pinned(self) -> bool:
        """Whether another worker could not take over without loss: a publisher is connected to this one, and a file
        would be read again from its start."""
        if self._kind is SourceKind.PUSH:
            return self._slot is not None
        return self._kind is SourceKind.FILE and not self.camera.loop

    async def run(self) -> None:
        """Runs until cancelled. A bug of ours is reported as `CRASHED` and tried again instead of ending silently."""
        while True:
            try:
                await self._capture()
                return
            except Exception:  # Boundary: a bug with one camera must not end the others.
                log.exception("camera %s: the supervisor failed", self.camera.id)
                detail = "a defect in the supervisor: see the log of `patchwatch serve` or `patchwatch run ingest`"
                self.status.set(CaptureState.OFFLINE, Reason.CRASHED, detail)
                await asyncio.sleep(self._settings.reconnect_max_s)

    async def _capture(self) -> None:
        if not self.camera.enabled:
            self.status.set(CaptureState.DISABLED)
        elif self.camera.zones_fault:  # A privacy zone may be among them.
            self.status.set(CaptureState.FAILED, Reason.PRIVACY, f"no frame is taken: {self.camera.zones_fault}")
        elif self._kind is SourceKind.PUSH:
            await self._serve_publishers()
        else:
            await self._pull()

    async def _pull(self) -> None:
        while True:
            self.status.set(CaptureState.CONNECTING)
            try:
                order = self._order()
            except SourceRejectedError as error:
                self.status.set(CaptureState.FAILED, Reason(error.reason), str(error))
                return
            end = await self._run_process(order)
            if end.kind is ReportKind.REJECTED:
                self.status.set(CaptureState.FAILED, end.reason, end.detail)
                return
            if end.kind is ReportKind.LEASE_LOST:
                await asyncio.Event().wait()  # The supervisor cancels this once it notices the loss too.
            if end.kind is ReportKind.ENDED and self._kind is SourceKind.FILE:
                self.status.set(CaptureState.ENDED, end.reason, end.detail)
                return
            await self._wait_to_reconnect(end)

    async def _wait_to_reconnect(self, end: CaptureEnd) -> None:
        wait_s = self._backoff.delay_after(end.delivered_s or 0.0)
        self.status.set(CaptureState.OFFLINE, end.reason, f"{end.detail} (next attempt in {max(1, round(wait_s))} s)")
        await asyncio.sleep(wait_s)
        self.status.count_reconnect()

    # Publishers -----------------------------------------------------------------------------------------------

    async def admit(self, url: str) -> PublisherSlot:
        """Give the slot to an authenticated publisher: the newest wins, an earlier one is disconnected."""
        async with self._admitting:
            if self._slot is not None:
                log.warning("camera %s: a new publisher takes the place of the one before", self.camera.id)
                self._slot.leave(at_once=True)
            await self._idle.wait()
            self._idle.clear()
            self._slot = PublisherSlot(url)
            self._slot_taken.set()
            return self._slot

    def publisher_refused(self, reason: Reason, detail: str) -> None:
        """Show in the camera's status why a publisher was refused, unless another one is publishing."""
        if self._kind is SourceKind.PUSH and self._slot is None and self.status.state is CaptureState.OFFLINE:
            self.status.set(CaptureState.OFFLINE, reason, detail)

    @property
    def _endpoint(self) -> str:
        """The address in words: redaction would hide the path of a URL as if it were a secret."""
        host, port = self._settings.rtsp_host, self._settings.rtsp_port
        host = "HOST" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104 - only compared
        return f"/{self.camera.id} of the RTSP endpoint, {host}:{port}" if port else "the RTSP endpoint"

    async def _serve_publishers(self) -> None:
        connected_before = False
        self.status.set(CaptureState.OFFLINE, Reason.NO_PUBLISHER, f"nobody publishes to {self._endpoint}")
        while True:
            await self._slot_taken.wait()
            self._slot_taken.clear()
            assert self._slot is not None
            slot = self._slot
            try:
                end = await self._publishing(slot, connected_before)
                slot.end_reason = end.detail
            finally:
                slot.ended.set()
                self._slot = None
                self._idle.set()
            connected_before = connected_before or end.delivered_s is not None
            left = slot.left.is_set() and end.kind is not ReportKind.REJECTED
            gone = left or end.kind is ReportKind.ENDED
            reason = Reason.NO_PUBLISHER if gone else end.reason
            self.status.set(CaptureState.OFFLINE, reason, "the publisher left" if gone else end.detail)

    async def _publishing(self, slot: PublisherSlot, again: bool) -> CaptureEnd:
        if again:
            self.status.count_reconnect()
        self.status.set(CaptureState.CONNECTING, detail="a publisher is connecting")
        end = await self._run_process(self._order(slot.url), slot)
        return replace(end, detail=end.detail.replace(redact(slot.url), "the publisher"))

    # One capture process --------------------------------------------------------------------------------------

    def _order(self, playback_url: str = "") -> CaptureOrder:
        return CaptureOrder.from_camera(
            self.camera,
            self._settings,
            lease=self.lease.value,
            playback_url=playback_url,
            after_seq=self.status.captured,
        )

    async def _run_process(self, order: CaptureOrder, slot: PublisherSlot | None = None) -> CaptureEnd:
        self.status.start_process()
        monitor = CaptureMonitor(
            self.status, timeout_s=self._settings.source_timeout_s, quiet_s=self._quiet_s, live=order.live,
            memory_mb=order.memory_mb,
        )  # fmt: skip
        process = await _started(order)
        leaving = asyncio.create_task(_stop_after_leaving(process, slot)) if slot else None
        try:
            return await monitor.follow(process)
        finally:
            if leaving:
                leaving.cancel()
            await self._stop(process)

    async def _stop(self, process: CaptureProcess) -> None:
        stopping = asyncio.create_task(process.stop())
        try:
            await asyncio.shield(stopping)
        except asyncio.CancelledError:  # Cancelled while it is being stopped: finish stopping it first.
            await stopping
            raise
        finally:
            if report := stopping.result():
                self.status.update(report)


async def _started(order: CaptureOrder) -> CaptureProcess:
    starting = asyncio.create_task(CaptureProcess.start(order))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:  # Do not leave a half-started process behind.
        await (await starting).stop()
        raise


async def _stop_after_leaving(process: CaptureProcess, slot: PublisherSlot) -> None:
    await slot.left.wait()
    await asyncio.sleep(slot.drain_s)
    process.ask_to_stop()
