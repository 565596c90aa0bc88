"""Where one camera's capture stands: state with its reason, counts, and the latest gap."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable

from patchwatch.bus.clock import BusClock
from patchwatch.messages.camera import Camera, Pace
from patchwatch.messages.capture_status import CaptureState, CaptureStatus, Gap, Reason
from patchwatch.messages.source import Source, SourceKind
from workers.ingest.capture.protocol import CaptureReport

_RATE_OVER_S = 10.0
_LEAST_GAP_S = 2.0
log = logging.getLogger("patchwatch.ingest")


class CaptureStatusTracker:
    """The one writer of a camera's `CaptureStatus`. Logs one line per change of state."""

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
        self._logged = False
        self._on_change = on_change
        waits = camera.pace is Pace.FAST and Source.parse(camera.source).kind is SourceKind.FILE
        # a recording read as fast as it is scored pauses for the queue: that is no gap in what was filmed
        self._gap_ms = math.inf if waits else 1000 * max(_LEAST_GAP_S, 3 / fps)
        self._last_frame_monotonic_ms: int | None = None
        self._frames: deque[tuple[float, int]] = deque()  # (monotonic seconds, seq)
        self._base = self._status

    @property
    def state(self) -> CaptureState:
        return self._status.state

    @property
    def captured(self) -> int:
        return self._status.captured

    def status(self) -> CaptureStatus:
        """The record as of now."""
        return self._status.model_copy(update={"updated_at_ms": self._clock.now_ms(), "fps": self._fps()})

    def to(self, state: CaptureState, reason: Reason | None = None, detail: str = "") -> None:
        """Change state; the same state and reason again only renew the text."""
        changed = (state, reason) != (self._status.state, self._status.reason)
        update: dict[str, object] = {"state": state, "reason": reason, "detail": detail}
        if changed:
            update["since_ms"] = self._clock.now_ms()
        self._status = self._status.model_copy(update=update)
        if changed or not self._logged:
            self._logged = True
            level = logging.WARNING if reason is not None else logging.INFO
            parts = [f"camera {self._status.camera_id}: {state.value}", reason.value if reason else "", detail]
            log.log(level, "%s", " - ".join(part for part in parts if part))
            self._on_change()

    def begin(self) -> None:
        """A new capture process starts: its counts begin at zero."""
        self._base = self._status
        self._frames.clear()

    def reconnecting(self) -> None:
        self._status = self._status.model_copy(update={"reconnects": self._status.reconnects + 1})

    def worker_stops(self) -> None:
        """Nobody will be watching: say so rather than leave the last state standing."""
        if self.state in (CaptureState.CONNECTING, CaptureState.LIVE, CaptureState.STALLED):
            self.to(CaptureState.OFFLINE, Reason.DISCONNECTED, "the ingest worker was stopped")

    def take(self, report: CaptureReport) -> None:
        """Count what a capture process reports."""
        before_ms = self._status.last_frame_at_ms
        update: dict[str, object] = {
            "captured": max(self._status.captured, report.seq),
            "unpublished": report.unpublished if report.seq else self._status.unpublished,
            "decode_errors": self._base.decode_errors + report.decode_errors,
        }
        if report.width and report.height:
            update |= {"width": report.width, "height": report.height, "codec": report.codec or None}
        if report.analysis_fps is not None:
            update["analysis_fps"] = report.analysis_fps
        if report.last_frame_at_ms is not None:
            update["last_frame_at_ms"] = report.last_frame_at_ms
            if before_ms is not None and self._pause_ms(report, before_ms) > self._gap_ms:
                update["last_gap"] = Gap(from_ms=before_ms, to_ms=report.last_frame_at_ms)
            self._last_frame_monotonic_ms = report.last_frame_monotonic_ms
            self._frames.append((time.monotonic(), report.seq))
        was_overloaded = self._status.overloaded
        self._status = self._status.model_copy(update=update)
        if self._status.overloaded != was_overloaded:
            self._log_rate()

    def _pause_ms(self, report: CaptureReport, before_ms: int) -> int:
        """Time between the last two frames heard of; by the wall clock only where this host saw but one of them."""
        if report.last_frame_monotonic_ms is not None and self._last_frame_monotonic_ms is not None:
            return report.last_frame_monotonic_ms - self._last_frame_monotonic_ms
        return (report.last_frame_at_ms or before_ms) - before_ms

    def _log_rate(self) -> None:
        status = self._status
        if status.overloaded:
            log.warning(
                "camera %s: analysed at %.3g of %.3g fps: its analysis cannot keep up",
                status.camera_id, status.analysis_fps, status.configured_fps,
            )  # fmt: skip
        else:
            log.info("camera %s: analysed at its configured rate again", status.camera_id)

    def _fps(self) -> float | None:
        while self._frames and self._frames[0][0] < time.monotonic() - _RATE_OVER_S:
            self._frames.popleft()
        if len(self._frames) < 2:
            return 0.0 if self.state in (CaptureState.LIVE, CaptureState.STALLED) else None
        (first_s, first), (last_s, last) = self._frames[0], self._frames[-1]
        return round((last - first) / (last_s - first_s), 2) if last_s > first_s else None
