"""A camera's capture without a camera: frames at the camera's rate, published as a capture process publishes them."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from zlib import crc32

from bench.capacity.pictures import HEIGHT, WIDTH, jpegs
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import connect
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.errors import LeaseLostError
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState, Reason
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage
from workers.ingest.capture.capture_status import CaptureStatusTracker
from workers.ingest.capture.protocol import CaptureReport, ReportKind
from workers.ingest.capture.publisher import Publisher
from workers.runtime.leases import Lease

_THREADS = 8  # that publish for all cameras of a worker
_ALERT_EVERY_S = 1000.0  # of each camera
_MARKED_S = 4.0
_LEAST_MARKED = 3  # frames


class SimulatedCapture:
    """In the place of `workers.ingest.camera_capture.CameraCapture`. Each camera has a connection of its own to Redis,
    as each capture process has one. ``threads_file``: ids of the threads that publish, as their time is none of the
    supervisor's."""

    threads_file: Path
    pinned = False

    def __init__(
        self, camera: Camera, settings: Settings, status: CaptureStatusTracker, stable_after_s: float, lease: Lease
    ) -> None:
        self.camera, self.status, self.lease = camera, status, lease
        self._settings = settings
        self._fps = camera.analysis_fps or settings.analysis_fps
        self._offset = crc32(camera.id.encode())
        self._alert_frames = max(1, round(_ALERT_EVERY_S * self._fps))
        self._marked_frames = max(_LEAST_MARKED, round(_MARKED_S * self._fps))

    async def run(self) -> None:
        """Publishes until it is cancelled, or another worker has the camera."""
        loop, threads = asyncio.get_running_loop(), _publishing_threads(self.threads_file)
        with connect(self._settings.shared_redis_url) as client:
            clock = BusClock()
            publisher = Publisher(
                client, CameraKeys.for_camera(self.camera.id, self._settings.partitions), self.lease,
                queue_frames=self._settings.queue_frames, lossless=False, pause=_wait, clock=clock,
            )  # fmt: skip
            await asyncio.shield(loop.run_in_executor(threads, publisher.start, self.status.captured))
            self.status.start_process()
            try:
                await self._publish_all(publisher, clock, threads)
            except LeaseLostError:
                await asyncio.Event().wait()  # the supervisor cancels this once it notices the loss too

    async def _publish_all(self, publisher: Publisher, clock: BusClock, threads: Executor) -> None:
        loop = asyncio.get_running_loop()
        due_s = time.monotonic() + (self._offset % 1000) / 1000 / self._fps
        while True:
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            publishing = loop.run_in_executor(threads, partial(self._publish, publisher, clock))
            report = await asyncio.shield(publishing)
            self.status.set(CaptureState.LIVE)
            self.status.update(CaptureReport.decode(report))
            due_s = max(due_s + 1 / self._fps, time.monotonic() - 1)

    def _publish(self, publisher: Publisher, clock: BusClock) -> bytes:
        publisher.update_clock()
        seq = publisher.next_seq()
        pictures = _pictures(self._is_marked(seq))
        publisher.publish(
            FrameMessage(
                seq=seq, captured_at_ns=clock.now_ns(), media_time_ns=round(seq / self._fps * 1e9), width=WIDTH,
                height=HEIGHT, source_width=WIDTH, source_height=HEIGHT, flags=FrameFlag.LIVE,
                jpeg=pictures[seq % len(pictures)],
            )
        )  # fmt: skip
        return CaptureReport(
            kind=ReportKind.PROGRESS, seq=seq, unpublished=publisher.unpublished, width=WIDTH, height=HEIGHT,
            last_frame_at_ms=clock.now_ms(), last_frame_monotonic_ms=time.monotonic_ns() // 1_000_000,
            codec="simulated", analysis_fps=self._fps,
        ).encode()  # fmt: skip

    def _is_marked(self, seq: int) -> bool:
        return (seq + self._offset) % self._alert_frames < self._marked_frames

    def publisher_refused(self, reason: Reason, detail: str) -> None:
        """Nobody publishes to a simulated camera."""


def _wait(seconds: float) -> bool:
    time.sleep(seconds)
    return True


@cache
def _pictures(marked: bool) -> list[bytes]:
    return jpegs(marked=marked)


@cache
def _publishing_threads(threads_file: Path) -> ThreadPoolExecutor:
    def note() -> None:
        with threads_file.open("a") as file:
            file.write(f"{threading.get_native_id()}\n")

    return ThreadPoolExecutor(_THREADS, thread_name_prefix="publish", initializer=note)
