"""Monitors one capture process until it ends, or hangs and is killed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass

from patchwatch.messages.cameras.capture_status import CaptureState, Reason
from workers.ingest.capture.capture_status import CaptureStatusTracker
from workers.ingest.capture.process import CaptureProcess
from workers.ingest.capture.protocol import CaptureReport, ReportKind
from workers.runtime.processes.cpu_meter import CpuMeter, available_cores
from workers.runtime.processes.process_usage import resident_mb

_START_WITHIN_S = 15.0  # Starting Python on a busy machine takes seconds.
_HUNG_AFTER_TIMEOUTS = 3.0  # FFmpeg gives up by itself after at most two timeouts.
_ASLEEP_S = 1.0  # Checks are a quarter of a second apart: after a longer pause this process was itself suspended.
_REPORT_WAIT_AFTER_S = 2.0
_SUGGEST_FIX_AFTER_S = 30.0
_KEY_FRAME_WITHIN_S = 900.0  # Smart codecs send one in minutes, and a restart may miss it again.
_FINAL = (ReportKind.ENDED, ReportKind.FAILED, ReportKind.REJECTED, ReportKind.LEASE_LOST)


@dataclass(frozen=True, slots=True)
class CaptureEnd:
    """How a capture process ended. ``delivered_s``: from the first reported frame to the last; None without frames."""

    kind: ReportKind
    reason: Reason | None
    detail: str
    delivered_s: float | None


class CaptureMonitor:
    """Checks for fresh frames and memory use; that the process is alive is not enough.

    ``live``: a source that sends nothing counts as hung. ``memory_mb``: how much the process may occupy.
    """

    def __init__(
        self, status: CaptureStatusTracker, *, timeout_s: float, quiet_s: float, live: bool, memory_mb: float
    ) -> None:
        self._status = status
        self._timeout_s = timeout_s
        self._quiet_s = quiet_s
        self._live = live
        self._memory_mb = memory_mb
        self._started_s = self._reported_s = self._checked_s = time.monotonic()
        self._first_frame_s: float | None = None
        self._frame_s: float | None = None
        self._last_frame_at_ms: int | None = None
        self._waiting_since_s: float | None = None  # Data arrives since then, but no key frame yet.

    async def follow(self, process: CaptureProcess) -> CaptureEnd:
        """Returns once the process has reported its end, has exited, or was killed for hanging or for its memory."""
        meter = CpuMeter(process.pid, available_cores())
        reading = asyncio.create_task(process.report())
        try:
            while (failure := self._failure(process)) is None:
                await asyncio.wait({reading}, timeout=min(0.25, self._timeout_s / 4))
                if reading.done():
                    report = reading.result()
                    if report is None:
                        return await self._ended_early(process)
                    if report.kind in _FINAL:
                        return self._end(report)
                    self._update(report)
                    reading = asyncio.create_task(process.report())
                    self._status.load = meter.measure() or self._status.load
                elif self._is_stalled():
                    self._status.set(CaptureState.STALLED, Reason.TIMEOUT, f"no frame for {self._quiet_s:g} s")
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
        await process.kill()
        return failure

    def _update(self, report: CaptureReport) -> None:
        self._reported_s = time.monotonic()
        self._status.update(report)
        if report.last_frame_at_ms != self._last_frame_at_ms:
            self._last_frame_at_ms = report.last_frame_at_ms
            self._frame_s = self._reported_s
            self._first_frame_s = self._first_frame_s or self._reported_s
            self._status.set(CaptureState.LIVE)
        if report.waits_for_key and self._frame_s is None:
            self._wait_for_key()

    def _wait_for_key(self) -> None:
        self._waiting_since_s = self._waiting_since_s or self._reported_s
        waited_s = self._reported_s - self._waiting_since_s
        if waited_s >= _REPORT_WAIT_AFTER_S:
            detail = "waiting for a key frame: data arrives, and can be shown from the next one on"
            if waited_s >= _SUGGEST_FIX_AFTER_S:
                detail += "; set a shorter I-frame (key frame) interval in the camera, and its smart codec off"
            self._status.set(CaptureState.CONNECTING, None, detail)

    def _delivers_nothing(self, now_s: float, limit_s: float) -> bool:
        if not self._live:
            return False
        if self._frame_s is None and self._waiting_since_s is not None:  # Reports show that data arrives.
            return now_s - self._waiting_since_s > _KEY_FRAME_WITHIN_S
        return now_s - (self._frame_s or self._started_s) > limit_s + self._quiet_s

    def _is_stalled(self) -> bool:
        return self._live and self._frame_s is not None and time.monotonic() - self._frame_s > self._quiet_s

    def _is_hung(self) -> bool:
        limit_s = self._timeout_s * _HUNG_AFTER_TIMEOUTS + (_START_WITHIN_S if self._frame_s is None else 0)
        now_s = time.monotonic()
        return now_s - self._reported_s > limit_s or self._delivers_nothing(now_s, limit_s)

    def _failure(self, process: CaptureProcess) -> CaptureEnd | None:
        """Why the process has to be killed; None while it is healthy."""
        self._discount_own_sleep()
        occupied_mb = resident_mb(process.pid)
        if occupied_mb is not None and occupied_mb > self._memory_mb:
            detail = (
                f"the capture grew to {occupied_mb:.0f} MB of memory, more than PATCHWATCH_CAPTURE_MEMORY_MB "
                f"({self._memory_mb:g}), and was restarted"
            )
            return CaptureEnd(ReportKind.FAILED, Reason.MEMORY, detail, self._delivered_s())
        if self._is_hung():
            silent_s = time.monotonic() - (self._frame_s or self._started_s)
            detail = f"the capture delivered nothing for {silent_s:.0f} s and was restarted"
            if not self._live:
                detail += ": the file, or the share that it is on, does not answer"
            return CaptureEnd(ReportKind.FAILED, Reason.TIMEOUT, detail, self._delivered_s())
        return None

    def _discount_own_sleep(self) -> None:
        """While this process was itself suspended (SIGSTOP, a swapping machine) the capture was not silent: its reports
        wait in the pipe."""
        now_s = time.monotonic()
        slept_s = now_s - self._checked_s
        self._checked_s = now_s
        if slept_s < _ASLEEP_S:
            return
        self._started_s += slept_s
        self._reported_s += slept_s
        if self._waiting_since_s is not None:
            self._waiting_since_s += slept_s
        if self._frame_s is not None and self._first_frame_s is not None:
            self._first_frame_s, self._frame_s = self._first_frame_s + slept_s, self._frame_s + slept_s

    def _delivered_s(self) -> float | None:
        if self._first_frame_s is None or self._frame_s is None:
            return None
        return self._frame_s - self._first_frame_s

    async def _ended_early(self, process: CaptureProcess) -> CaptureEnd:
        detail = f"the capture process ended without a report ({await process.ending()})"
        return CaptureEnd(ReportKind.FAILED, Reason.CRASHED, detail, self._delivered_s())

    def _end(self, report: CaptureReport) -> CaptureEnd:
        self._status.update(report)
        if report.kind is ReportKind.ENDED and self._live:
            detail = "the camera closed the connection"
            return CaptureEnd(ReportKind.ENDED, Reason.DISCONNECTED, detail, self._delivered_s())
        return CaptureEnd(report.kind, report.reason, report.detail, self._delivered_s())
