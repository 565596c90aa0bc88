"""Follows one capture process until it ends, or hangs and is killed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass

from patchwatch.messages.capture_status import CaptureState, Reason
from workers.ingest.capture.capture_status import CaptureStatusTracker
from workers.ingest.capture.process import CaptureProcess
from workers.ingest.capture.protocol import CaptureReport, ReportKind
from workers.runtime.process_usage import resident_mb

_START_WITHIN_S = 15.0  # a Python process on a busy machine
_HUNG_AFTER_TIMEOUTS = 3.0  # FFmpeg gives up by itself after at most two
_ASLEEP_S = 1.0  # between two looks, which are a quarter of a second apart
_WORTH_SAYING_S = 2.0
_LONG_S = 30.0
_KEY_FRAME_WITHIN_S = 900.0  # smart codecs send one in minutes; who starts again may miss it again
_FINAL = (ReportKind.ENDED, ReportKind.FAILED, ReportKind.REJECTED, ReportKind.LEASE_LOST)


@dataclass(frozen=True, slots=True)
class CaptureEnd:
    """How a capture process ended. ``delivered_s``: from the first frame heard of to the last; None without any."""

    kind: ReportKind
    reason: Reason | None
    detail: str
    delivered_s: float | None


class CaptureMonitor:
    """Judges by fresh frames and by memory, not by a living process.

    ``live``: pauses of the source itself count as silence. ``memory_mb``: what the process may occupy.
    """

    def __init__(
        self, standing: CaptureStatusTracker, *, timeout_s: float, quiet_s: float, live: bool, memory_mb: float
    ) -> None:
        self._standing = standing
        self._timeout_s = timeout_s
        self._quiet_s = quiet_s
        self._live = live
        self._memory_mb = memory_mb
        self._started_s = self._heard_s = self._looked_s = time.monotonic()
        self._first_frame_s: float | None = None
        self._frame_s: float | None = None
        self._last_frame_at_ms: int | None = None
        self._waiting_since_s: float | None = None  # for the first key frame, while data arrives

    async def follow(self, process: CaptureProcess) -> CaptureEnd:
        """Returns once the process told its end, ended, or was killed for hanging or for growing."""
        reading = asyncio.create_task(process.report())
        try:
            while (verdict := self._verdict(process)) is None:
                await asyncio.wait({reading}, timeout=min(0.25, self._timeout_s / 4))
                if reading.done():
                    report = reading.result()
                    if report is None or report.kind in _FINAL:
                        return self._outcome(report, process)
                    self._take(report)
                    reading = asyncio.create_task(process.report())
                elif self._stalls():
                    self._standing.to(CaptureState.STALLED, Reason.TIMEOUT, f"no frame for {self._quiet_s:g} s")
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
        await process.kill()
        return verdict

    def _take(self, report: CaptureReport) -> None:
        self._heard_s = time.monotonic()
        self._standing.take(report)
        if report.last_frame_at_ms != self._last_frame_at_ms:
            self._last_frame_at_ms = report.last_frame_at_ms
            self._frame_s = self._heard_s
            self._first_frame_s = self._first_frame_s or self._heard_s
            self._standing.to(CaptureState.LIVE)
        if report.waits_for_key and self._frame_s is None:
            self._wait_for_key()

    def _wait_for_key(self) -> None:
        self._waiting_since_s = self._waiting_since_s or self._heard_s
        waited_s = self._heard_s - self._waiting_since_s
        if waited_s >= _WORTH_SAYING_S:
            detail = "waiting for a key frame: data arrives, and can be shown from the next one on"
            if waited_s >= _LONG_S:
                detail += "; set a shorter I-frame (key frame) interval in the camera, and its smart codec off"
            self._standing.to(CaptureState.CONNECTING, None, detail)

    def _is_fruitless(self, now_s: float, limit_s: float) -> bool:
        if not self._live:
            return False
        if self._frame_s is None and self._waiting_since_s is not None:  # what is heard is data
            return now_s - self._waiting_since_s > _KEY_FRAME_WITHIN_S
        return now_s - (self._frame_s or self._started_s) > limit_s + self._quiet_s

    def _stalls(self) -> bool:
        return self._live and self._frame_s is not None and time.monotonic() - self._frame_s > self._quiet_s

    def _hangs(self) -> bool:
        limit_s = self._timeout_s * _HUNG_AFTER_TIMEOUTS + (_START_WITHIN_S if self._frame_s is None else 0)
        now_s = time.monotonic()
        return now_s - self._heard_s > limit_s or self._is_fruitless(now_s, limit_s)

    def _verdict(self, process: CaptureProcess) -> CaptureEnd | None:
        """Why the process has to go; None while it may stay."""
        self._discount_own_sleep()
        occupied_mb = resident_mb(process.pid)
        if occupied_mb is not None and occupied_mb > self._memory_mb:
            detail = (
                f"the capture grew to {occupied_mb:.0f} MB of memory, more than PATCHWATCH_CAPTURE_MEMORY_MB "
                f"({self._memory_mb:g}), and was restarted"
            )
            return CaptureEnd(ReportKind.FAILED, Reason.MEMORY, detail, self._delivered_s())
        if self._hangs():
            silent_s = time.monotonic() - (self._frame_s or self._started_s)
            detail = f"the capture delivered nothing for {silent_s:.0f} s and was restarted"
            if not self._live:
                detail += ": the file, or the share that it is on, does not answer"
            return CaptureEnd(ReportKind.FAILED, Reason.TIMEOUT, detail, self._delivered_s())
        return None

    def _discount_own_sleep(self) -> None:
        """Time in which we stood still ourselves (SIGSTOP, a machine that swaps) is no silence of the process: what it
        wrote meanwhile waits in the pipe."""
        now_s = time.monotonic()
        slept_s = now_s - self._looked_s
        self._looked_s = now_s
        if slept_s < _ASLEEP_S:
            return
        self._started_s += slept_s
        self._heard_s += slept_s
        if self._waiting_since_s is not None:
            self._waiting_since_s += slept_s
        if self._frame_s is not None and self._first_frame_s is not None:
            self._first_frame_s, self._frame_s = self._first_frame_s + slept_s, self._frame_s + slept_s

    def _delivered_s(self) -> float | None:
        if self._first_frame_s is None or self._frame_s is None:
            return None
        return self._frame_s - self._first_frame_s

    def _outcome(self, report: CaptureReport | None, process: CaptureProcess) -> CaptureEnd:
        if report is None:
            detail = f"the capture process ended without a word ({process.last_words or 'killed'})"
            return CaptureEnd(ReportKind.FAILED, Reason.CRASHED, detail, self._delivered_s())
        self._standing.take(report)
        if report.kind is ReportKind.ENDED and self._live:
            detail = "the camera closed the connection"
            return CaptureEnd(ReportKind.ENDED, Reason.DISCONNECTED, detail, self._delivered_s())
        return CaptureEnd(report.kind, report.reason, report.detail, self._delivered_s())
