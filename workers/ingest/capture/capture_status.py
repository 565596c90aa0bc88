"""The status of one camera's capture: its state with the reason, counters, and the latest gap."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable

from patchwatch.bus.clock import BusClock
from patchwatch.contract.logs import about
from patchwatch.messages.cameras.camera import Camera, Pace
from patchwatch.messages.cameras.capture_status import CaptureState, CaptureStatus, Gap, Reason
from patchwatch.messages.cameras.source import Source, SourceKind
from workers.ingest.capture.protocol import CaptureReport

_RATE_OVER_S = 10.0
_LEAST_GAP_S = 2.0
log = logging.getLogger("patchwatch.ingest")


class CaptureStatusTracker:
    """The only writer of a camera's `CaptureStatus`. Logs one line per change of state."""

    def __init__(
        self, camera: Camera, fps: float, before: CaptureStatus | None, on_change: Callable[[], None],
        clock: BusClock | None = None,
    ) -> None:  # fmt: skip
        self._clock = clock or BusClock()
        now_ms = self._clock.now_ms()
        status = before or CaptureStatus(
            camera_id=camera.id, state=CaptureState.CONNECTING, since_ms=now_ms, updated_at_ms=now_ms
        )
        self._status = status.model_copy(
            update={
                "camera_revision": camera.revision,
                "camera_incarnation": camera.incarnation,
                "tls": camera.tls,
                "configured_fps": fps,
                "analysis_fps": None,
            }
        )
        self.load: float | None = None  # share of this worker's cores that the capture process takes
        self._logged = False
        self._on_change = on_change
        lossless = camera.pace is Pace.FAST and Source.parse(camera.source).kind is SourceKind.FILE
        # A recording that is read as fast as it is scored waits for the queue: that is not a gap in the footage.
        self._gap_ms = math.inf if lossless else 1000 * max(_LEAST_GAP_S, 3 / fps)
        self._last_frame_monotonic_ms: int | None = None
        self._frames: deque[tuple[float, int]] = deque()  # (monotonic seconds, seq)
        self._at_process_start = self._status

    @property
    def state(self) -> CaptureState:
        return self._status.state

    @property
    def captured(self) -> int:
        return self._status.captured

    def current(self, load_beside: float = 0.0) -> CaptureStatus:
        """The status as of now. ``load_beside``: what the ingest worker itself takes for this camera."""
        changes = {"updated_at_ms": self._clock.now_ms(), "fps": self._fps()}
        if self.load is not None:
            changes["load"] = float(f"{self.load + load_beside:.3g}")
        return self._status.model_copy(update=changes)

    def set(self, state: CaptureState, reason: Reason | None = None, detail: str = "") -> None:
        """Change the state; with the same state and reason only the detail changes."""
        changed = (state, reason) != (self._status.state, self._status.reason)
        changes: dict[str, object] = {"state": state, "reason": reason, "detail": detail}
        if changed:
            changes["since_ms"] = self._clock.now_ms()
        self._status = self._status.model_copy(update=changes)
        if changed or not self._logged:
            self._logged = True
            level = logging.WARNING if reason is not None else logging.INFO
            parts = [f"camera {self._status.camera_id}: {state.value}", reason.value if reason else "", detail]
            text = " - ".join(part for part in parts if part)
            log.log(level, "%s", text, extra=about(self._status.camera_id))
            self._on_change()

    def start_process(self) -> None:
        """A new capture process starts; its own counters begin at zero."""
        self._at_process_start = self._status
        self._frames.clear()

    def count_reconnect(self) -> None:
        self._status = self._status.model_copy(update={"reconnects": self._status.reconnects + 1})

    def stop_worker(self) -> None:
        """The worker stops: the last state would otherwise stay although nobody checks it."""
        if self.state in (CaptureState.CONNECTING, CaptureState.LIVE, CaptureState.STALLED):
            self.set(CaptureState.OFFLINE, Reason.DISCONNECTED, "the ingest worker was stopped")

    def update(self, report: CaptureReport) -> None:
        """Apply a capture process's report."""
        before_ms = self._status.last_frame_at_ms
        changes: dict[str, object] = {
            "captured": max(self._status.captured, report.seq),
            "unpublished": report.unpublished if report.seq else self._status.unpublished,
            "decode_errors": self._at_process_start.decode_errors + report.decode_errors,
        }
        if report.width and report.height:
            changes |= {"width": report.width, "height": report.height, "codec": report.codec or None}
        if report.analysis_fps is not None:
            changes["analysis_fps"] = report.analysis_fps
        if report.last_frame_at_ms is not None:
            changes["last_frame_at_ms"] = report.last_frame_at_ms
            if before_ms is not None and self._pause_ms(report, before_ms) > self._gap_ms:
                changes["last_gap"] = Gap(from_ms=before_ms, to_ms=report.last_frame_at_ms)
            self._last_frame_monotonic_ms = report.last_frame_monotonic_ms
            self._frames.append((time.monotonic(), report.seq))
        was_overloaded = self._status.overloaded
        self._status = self._status.model_copy(update=changes)
        if self._status.overloaded != was_overloaded:
            self._log_rate()

    def _pause_ms(self, report: CaptureReport, before_ms: int) -> int:
        """Time between the last two reported frames; by the wall clock if another host saw the earlier one."""
        if report.last_frame_monotonic_ms is not None and self._last_frame_monotonic_ms is not None:
            return report.last_frame_monotonic_ms - self._last_frame_monotonic_ms
        return (report.last_frame_at_ms or before_ms) - before_ms

    def _log_rate(self) -> None:
        status = self._status
        if status.overloaded:
            log.warning(
                "camera %s: analysed at %.3g of %.3g fps: its analysis cannot keep up",
                status.camera_id, status.analysis_fps, status.configured_fps,
                extra=about(status.camera_id),
            )  # fmt: skip
        else:
            text = "camera %s: analysed at its configured rate again"
            log.info(text, status.camera_id, extra=about(status.camera_id))

    def _fps(self) -> float | None:
        while self._frames and self._frames[0][0] < time.monotonic() - _RATE_OVER_S:
            self._frames.popleft()
        if len(self._frames) < 2:
            return 0.0 if self.state in (CaptureState.LIVE, CaptureState.STALLED) else None
        (first_s, first), (last_s, last) = self._frames[0], self._frames[-1]
        return round((last - first) / (last_s - first_s), 2) if last_s > first_s else None
