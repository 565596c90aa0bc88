"""Keeps one camera's capture going: start, watch, kill, wait, start again."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from patchwatch.bus.backoff import Backoff, RestartBackoff, late_jitter
from patchwatch.contract.errors import SourceRejectedError
from patchwatch.contract.redaction import redact
from patchwatch.contract.settings import Settings
from patchwatch.messages.camera import Camera
from patchwatch.messages.capture_status import CaptureState, Reason
from patchwatch.messages.source import Source, SourceKind
from workers.ingest.capture.capture_status import CaptureStatusTracker
from workers.ingest.capture.monitor import CaptureEnd, CaptureMonitor
from workers.ingest.capture.process import CaptureProcess
from workers.ingest.capture.protocol import CaptureOrder, ReportKind
from workers.runtime.lease import Lease

_DRAIN_S = 1.0  # for what a leaving publisher had sent already
log = logging.getLogger("patchwatch.ingest")


class PublisherSlot:
    """A publisher's place at a camera, whose capture plays it from ``url`` until it has to `leave`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.ended = asyncio.Event()  # the capture is over
        self.why = ""  # it is, when that was no wish of the publisher's
        self.left = asyncio.Event()  # the publisher is gone
        self.drain_s = _DRAIN_S

    def leave(self, at_once: bool = False) -> None:
        """The publisher is gone, or (``at_once``) has to go for a newer one."""
        if at_once:
            self.drain_s = 0.0
        self.left.set()


class CameraCapture:
    """One camera's life. ``run`` goes on until cancelled; its end by itself means that nothing is left to try."""

    def __init__(
        self, camera: Camera, settings: Settings, standing: CaptureStatusTracker, stable_after_s: float, lease: Lease
    ) -> None:
        self.camera = camera
        self.standing = standing
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
    def tied(self) -> bool:
        """Whether another worker could not simply go on: the publisher is connected here; a file would be read from
        its start."""
        if self._kind is SourceKind.PUSH:
            return self._slot is not None
        return self._kind is SourceKind.FILE and not self.camera.loop

    async def run(self) -> None:
        """Until cancelled. A defect of ours is reported as `CRASHED` and tried again, not left silent."""
        while True:
            try:
                await self._keep()
                return
            except Exception:  # border: one camera's defect must not end the others
                log.exception("camera %s: the supervisor failed", self.camera.id)
                detail = "a defect in the supervisor: see the log of `patchwatch serve` or `patchwatch run ingest`"
                self.standing.to(CaptureState.OFFLINE, Reason.CRASHED, detail)
                await asyncio.sleep(self._settings.reconnect_max_s)

    async def _keep(self) -> None:
        if not self.camera.enabled:
            self.standing.to(CaptureState.DISABLED)
        elif self._kind is SourceKind.PUSH:
            await self._serve_publishers()
        else:
            await self._pull()

    async def _pull(self) -> None:
        while True:
            self.standing.to(CaptureState.CONNECTING)
            try:
                order = self._order()
            except SourceRejectedError as error:
                self.standing.to(CaptureState.FAILED, Reason(error.reason), str(error))
                return
            outcome = await self._session(order)
            if outcome.kind is ReportKind.REJECTED:
                self.standing.to(CaptureState.FAILED, outcome.reason, outcome.detail)
                return
            if outcome.kind is ReportKind.LEASE_LOST:
                await asyncio.Event().wait()  # the supervisor ends this once it has seen it too
            if outcome.kind is ReportKind.ENDED and self._kind is SourceKind.FILE:
                self.standing.to(CaptureState.ENDED, outcome.reason, outcome.detail)
                return
            await self._wait_to_reconnect(outcome)

    async def _wait_to_reconnect(self, outcome: CaptureEnd) -> None:
        wait_s = self._backoff.delay_after(outcome.delivered_s or 0.0)
        self.standing.to(
            CaptureState.OFFLINE, outcome.reason, f"{outcome.detail} (next attempt in {max(1, round(wait_s))} s)"
        )
        await asyncio.sleep(wait_s)
        self.standing.reconnecting()

    # Pushed cameras -------------------------------------------------------------------------------------------

    async def admit(self, url: str) -> PublisherSlot:
        """Make room for a publisher that was let in: the newest wins, an earlier one is sent away."""
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
        """Tell the camera's status, unless somebody publishes."""
        if self._kind is SourceKind.PUSH and self._slot is None and self.standing.state is CaptureState.OFFLINE:
            self.standing.to(CaptureState.OFFLINE, reason, detail)

    @property
    def _endpoint(self) -> str:
        """In words: of an address the path would be hidden, as if it were a secret."""
        host, port = self._settings.rtsp_host, self._settings.rtsp_port
        host = "HOST" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104 - compared only
        return f"/{self.camera.id} of the RTSP endpoint, {host}:{port}" if port else "the RTSP endpoint"

    async def _serve_publishers(self) -> None:
        connected_before = False
        self.standing.to(CaptureState.OFFLINE, Reason.NO_PUBLISHER, f"nobody publishes to {self._endpoint}")
        while True:
            await self._slot_taken.wait()
            self._slot_taken.clear()
            assert self._slot is not None
            slot = self._slot
            try:
                outcome = await self._publishing(slot, connected_before)
                slot.why = outcome.detail
            finally:
                slot.ended.set()
                self._slot = None
                self._idle.set()
            connected_before = connected_before or outcome.delivered_s is not None
            left = slot.left.is_set() and outcome.kind is not ReportKind.REJECTED
            gone = left or outcome.kind is ReportKind.ENDED
            reason = Reason.NO_PUBLISHER if gone else outcome.reason
            self.standing.to(CaptureState.OFFLINE, reason, "the publisher left" if gone else outcome.detail)

    async def _publishing(self, slot: PublisherSlot, again: bool) -> CaptureEnd:
        if again:
            self.standing.reconnecting()
        self.standing.to(CaptureState.CONNECTING, detail="a publisher is connecting")
        outcome = await self._session(self._order(slot.url), slot)
        return replace(outcome, detail=outcome.detail.replace(redact(slot.url), "the publisher"))

    # One capture process --------------------------------------------------------------------------------------

    def _order(self, playback_url: str = "") -> CaptureOrder:
        return CaptureOrder.of(
            self.camera,
            self._settings,
            lease=self.lease.value,
            playback_url=playback_url,
            after_seq=self.standing.captured,
        )

    async def _session(self, order: CaptureOrder, slot: PublisherSlot | None = None) -> CaptureEnd:
        self.standing.begin()
        watch = CaptureMonitor(
            self.standing, timeout_s=self._settings.source_timeout_s, quiet_s=self._quiet_s, live=order.live,
            memory_mb=order.memory_mb,
        )  # fmt: skip
        process = await _started(order)
        leaving = asyncio.create_task(_end_after_leaving(process, slot)) if slot else None
        try:
            return await watch.follow(process)
        finally:
            if leaving:
                leaving.cancel()
            await self._stop(process)

    async def _stop(self, process: CaptureProcess) -> None:
        stopping = asyncio.create_task(process.stop())
        try:
            await asyncio.shield(stopping)
        except asyncio.CancelledError:  # the order to stop came while it was being stopped anyway: see it through
            await stopping
            raise
        finally:
            if report := stopping.result():
                self.standing.take(report)


async def _started(order: CaptureOrder) -> CaptureProcess:
    starting = asyncio.create_task(CaptureProcess.start(order))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:  # half-way: do not leave it behind
        await (await starting).stop()
        raise


async def _end_after_leaving(process: CaptureProcess, slot: PublisherSlot) -> None:
    await slot.left.wait()
    await asyncio.sleep(slot.drain_s)
    process.ask_to_stop()
