"""One camera's capture process: ``python -m workers.ingest.capture.capture``.

Reads a `CaptureOrder` (one line of JSON) from standard input, writes `CaptureReport` lines to standard output, and
ends when standard input closes. Killing it at any moment is safe.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, TextIO

from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import connect
from patchwatch.bus.keys import CameraKeys, LeaseKeys
from patchwatch.contract.errors import LeaseLostError, SourceRejectedError, SourceUnavailableError
from patchwatch.contract.roles import Role
from patchwatch.messages.cameras.camera import Pace
from patchwatch.messages.cameras.capture_status import Reason
from patchwatch.messages.cameras.zones.privacy_marks import marks_of
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage, PrecedingPicture
from workers.ingest.capture.adaptive_rate import AdaptiveRate, Backlog
from workers.ingest.capture.capture_clock import Arrival, FileClock, LiveClock, Stamp
from workers.ingest.capture.memory_limit import limit_own_memory
from workers.ingest.capture.protocol import CaptureOrder, CaptureReport, ReportKind
from workers.ingest.capture.publisher import Publisher, Stopped
from workers.media import jpeg_codec
from workers.media.video import SampledFrame, Video
from workers.runtime.leases import Lease

if TYPE_CHECKING:
    from workers.tracing.capture_trace import CaptureTrace

_REPORT_EVERY_S = 0.5
_MAX_BURST = 32  # Pictures held while a live source catches up.
_STOP_WITHIN_S = 1.0  # FFmpeg may be in a read that nothing interrupts.


@dataclass(frozen=True, slots=True)
class _Compressed:
    """A sampled frame as JPEG: the thirty that may be held at once take 1 MB instead of 20."""

    jpeg: bytes
    width: int
    height: int
    source_width: int
    source_height: int
    media_time_s: float
    flags: FrameFlag
    preceding: PrecedingPicture | None
    arrived: Arrival
    coded_ns: tuple[int, int, int] | None  # what its trace needs, if there is one


@dataclass
class Reporter:
    """Writes reports to the supervisor, which reads them without delay, so the pipe never fills."""

    out: TextIO
    publisher: Publisher
    rate: AdaptiveRate
    clock: BusClock
    video: Video | None = None
    decode_errors_before: int = 0  # In earlier passes of a looped file.
    _last_frame_at_ms: int | None = field(default=None, init=False)
    _last_frame_monotonic_ms: int | None = field(default=None, init=False)
    _size: tuple[int, int] = field(default=(0, 0), init=False)
    _due_s: float = field(default=0.0, init=False)

    def report_frame(self, message: FrameMessage) -> None:
        first = self._last_frame_at_ms is None
        self._last_frame_at_ms = self.clock.now_ms()
        self._last_frame_monotonic_ms = time.monotonic_ns() // 1_000_000
        self._size = (message.source_width, message.source_height)
        self.beat(now=first)

    def beat(self, now: bool = False) -> None:
        """Report progress, at most twice a second unless ``now``."""
        if now or time.monotonic() >= self._due_s:
            self.send(ReportKind.PROGRESS)
            self._due_s = time.monotonic() + _REPORT_EVERY_S

    def send(self, kind: ReportKind, reason: Reason | None = None, detail: str = "") -> None:
        video = self.video
        report = CaptureReport(
            kind=kind, seq=self.publisher.seq, unpublished=self.publisher.unpublished,
            decode_errors=self.decode_errors_before + (video.decode_errors if video else 0),
            last_frame_at_ms=self._last_frame_at_ms, last_frame_monotonic_ms=self._last_frame_monotonic_ms,
            width=self._size[0] or (video.width if video else 0),
            height=self._size[1] or (video.height if video else 0), codec=video.codec if video else "",
            analysis_fps=self.rate.fps, waits_for_key=self._last_frame_at_ms is None and bool(video and video.packets),
            reason=reason, detail=detail,
        )  # fmt: skip
        self.out.write(report.encode().decode() + "\n")
        self.out.flush()


class Capture:
    """Reads one source and publishes its frames until it ends, fails, or ``stop`` is set."""

    def __init__(
        self,
        order: CaptureOrder,
        publisher: Publisher,
        backlog: Backlog,
        reporter: Reporter,
        stop: threading.Event,
        trace: CaptureTrace | None = None,
    ) -> None:
        self._order = order
        self._publisher = publisher
        self._backlog = backlog
        self._rate = reporter.rate
        self._clock = reporter.clock
        self._reporter = reporter
        self._stop = stop
        self._trace = trace
        self._lossless = order.lossless
        self._flags = FrameFlag(0) if order.lossless else FrameFlag.LIVE
        self._hidden = marks_of(order.privacy)
        self._broken_off = ""
        self._file_start_s = 0.0  # Media time 0 on the monotonic clock.
        self._media_start_s = 0.0  # Where the present pass of a looped file begins.

    def run(self) -> None:
        """Reports how it ended. Raises only on bugs."""
        try:
            self._publisher.start(self._order.after_seq)
            self._read_live() if self._order.live else self._read_file()
        except Stopped:
            self._reporter.send(ReportKind.PROGRESS)  # The final counters.
        except LeaseLostError as error:
            self._reporter.send(ReportKind.LEASE_LOST, detail=str(error))
        except SourceUnavailableError as error:
            self._reporter.send(ReportKind.FAILED, Reason(error.reason), str(error))
        except MemoryError:
            self._reporter.send(
                ReportKind.FAILED, Reason.MEMORY,
                f"more memory was needed than a capture may have: raise PATCHWATCH_CAPTURE_MEMORY_MB "
                f"({self._order.memory_mb})",
            )  # fmt: skip
        except SourceRejectedError as error:
            self._reporter.send(ReportKind.REJECTED, Reason(error.reason), str(error))
        else:
            self._reporter.send(ReportKind.ENDED, Reason.CORRUPT if self._broken_off else None, self._broken_off)

    def _read_live(self) -> None:
        clock = LiveClock(self._publisher.last_captured_ns)
        with self._opened() as video:
            frames = self._frames(video)
            burst = _first_burst(frames)
            for number, frame in enumerate(chain(burst, frames)):
                if number == 0:
                    clock.anchor(burst[-1].media_time_s, burst[-1].arrived)
                cut = FrameFlag.DISCONTINUITY in frame.flags and number > 0
                self._publish(frame, clock.stamp(frame.media_time_s, frame.arrived, cut))

    def _read_file(self) -> None:
        clock: FileClock | None = None
        while True:
            with self._opened() as video:
                if clock is None:
                    clock, self._file_start_s = self._file_clock(video), time.monotonic()
                end_s = self._read_pass(video, clock)
                self._broken_off = video.broken_off
                self._reporter.decode_errors_before += video.decode_errors
                self._reporter.video = None
            if not self._order.loop:
                return
            self._media_start_s = end_s

    def _read_pass(self, video: Video, clock: FileClock) -> float:
        """Read the file once; returns the media time at which the next pass begins."""
        at_s = self._media_start_s
        for frame in self._frames(video):
            at_s = self._media_start_s + frame.media_time_s
            late_s = 0.0
            if self._order.pace is Pace.REALTIME:
                self._wait_until(self._file_start_s + at_s)
                late_s = time.monotonic() - self._file_start_s - at_s
            self._publish(frame, Stamp(clock.stamp(at_s, self._clock.offset_ns), round(late_s * 1e9)))
        return max(at_s + 1 / self._order.analysis_fps, self._media_start_s + (video.duration_s or 0.0))

    def _file_clock(self, video: Video) -> FileClock:
        start_ns = now_ns = self._clock.now_ns()
        if self._lossless:  # Read faster than filmed: the footage ends now instead of in the future.
            start_ns -= round((video.duration_s or 0.0) * 1e9)
        return FileClock(
            max(0, start_ns), self._clock.offset_ns, now_ns=now_ns, last_ns=self._publisher.last_captured_ns
        )

    def _opened(self) -> Video:
        video = Video.open(self._order.file() or self._order.url, options=self._order.video_options)
        video.sampler.one_in = self._rate.one_in
        self._reporter.video = video
        self._reporter.send(ReportKind.OPENED)
        return video

    def _frames(self, video: Video) -> Iterator[_Compressed]:
        trace = self._trace
        for frame in video.frames(on_packet=trace.noting(self._on_packet) if trace else self._on_packet):
            if self._stop.is_set():
                raise Stopped
            arrived = Arrival(time.monotonic_ns(), self._clock.offset_ns)
            height, width = frame.rgb.shape[:2]
            jpeg = jpeg_codec.encode(frame.rgb, self._order.jpeg_quality)
            yield _Compressed(
                jpeg, width, height,
                frame.source_width, frame.source_height, frame.media_time_s, self._flags | _flags_of(frame),
                self._preceding(frame), arrived, trace.coded(arrived.monotonic_ns) if trace else None,
            )  # fmt: skip

    def _preceding(self, frame: SampledFrame) -> PrecedingPicture | None:
        before = frame.preceding
        if before is None:
            return None
        ahead_ns = round((frame.media_time_s - before.media_time_s) * 1e9)
        return PrecedingPicture(ahead_ns, jpeg_codec.encode(before.rgb, self._order.jpeg_quality))

    def _on_packet(self) -> None:
        if self._stop.is_set():
            raise Stopped
        self._reporter.beat()

    def _wait_until(self, monotonic_s: float) -> None:
        while (left_s := monotonic_s - time.monotonic()) > 0:
            if self._stop.wait(min(left_s, _REPORT_EVERY_S)):
                raise Stopped
            self._reporter.beat()

    def _publish(self, frame: _Compressed, stamp: Stamp) -> None:
        message = FrameMessage(
            seq=self._publisher.next_seq(), captured_at_ns=stamp.captured_at_ns, late_ms=stamp.late_ns // 1_000_000,
            media_time_ns=round((self._media_start_s + frame.media_time_s) * 1e9),
            width=frame.width, height=frame.height, source_width=frame.source_width, source_height=frame.source_height,
            flags=frame.flags, jpeg=frame.jpeg, hidden=self._hidden, preceding=frame.preceding,
        )  # fmt: skip
        self._publisher.update_clock()
        began_ns = time.monotonic_ns() if self._trace else 0
        queued = self._publisher.publish(message)
        if self._trace and frame.coded_ns:
            self._trace.published(message, frame.coded_ns, began_ns, queued=queued)
        if queued:
            self._adapt_rate(message.seq)
        self._reporter.report_frame(message)

    def _adapt_rate(self, seq: int) -> None:
        """Sample fewer frames of a live source rather than have them dropped. Recordings wait instead."""
        if self._lossless:
            return
        self._backlog.add(seq)
        sample = self._backlog.sample()
        if sample is not None and self._rate.observe(sample, time.monotonic()) and self._reporter.video is not None:
            self._reporter.video.sampler.one_in = self._rate.one_in


def _flags_of(frame: SampledFrame) -> FrameFlag:
    """What a sampled frame says of itself."""
    cut = FrameFlag.DISCONTINUITY if frame.discontinuity else FrameFlag(0)
    return cut | (FrameFlag.PREDICTED if frame.predicted else FrameFlag(0))


def _first_burst(frames: Iterator[_Compressed]) -> list[_Compressed]:
    """The first pictures of a live source, up to the first that arrived no faster than it was filmed.

    What was buffered while the source was opened arrives in a burst, of which only the last picture is fresh.
    """
    held: list[_Compressed] = []
    for frame in frames:
        held.append(frame)
        if len(held) >= _MAX_BURST:
            break
        if len(held) > 1:
            before = held[-2]
            waited_ns = frame.arrived.monotonic_ns - before.arrived.monotonic_ns
            if waited_ns > 0.5e9 * (frame.media_time_s - before.media_time_s):
                break
    return held


def _stop_when_closed(stop: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):  # Bypasses Python's buffer, whose lock would be held on exit.
        pass
    stop.set()
    time.sleep(_STOP_WITHIN_S)
    os._exit(0)


def main() -> None:
    """Entry point of the process. An unexpected error ends up in the last line of standard error."""
    try:
        _run()
    except Exception:  # noqa: BLE001 (boundary: the supervisor reports the error and restarts the capture)
        traceback.print_exc()
        os._exit(1)
    os._exit(0)  # An ordinary exit would wait for the thread on standard input.


@contextmanager
def _traced(order: CaptureOrder, clock: BusClock) -> Iterator[CaptureTrace | None]:
    """The trace of the camera's frames, if they are traced; what waits to be sent is sent at the end."""
    if order.trace_url is None:
        yield None
        return
    from workers.tracing.capture_trace import CaptureTrace  # its packages cost start-up time
    from workers.tracing.span_export import SpanExport

    export = SpanExport(order.trace_url, Role.INGEST)
    try:
        yield CaptureTrace(export, order.camera_id, order.trace_one_in, clock)
    finally:
        export.stop()


def _run() -> None:
    order = CaptureOrder.decode(sys.stdin.buffer.readline())
    limit_own_memory(order.memory_mb)
    stop = threading.Event()
    threading.Thread(target=_stop_when_closed, args=(stop,), daemon=True, name="stop").start()
    reporter: Reporter | None = None

    def pause(seconds: float) -> bool:
        if reporter is not None:
            reporter.beat()
        return not stop.wait(seconds)

    with connect(order.redis_url) as client:
        keys = CameraKeys.for_camera(order.camera_id, order.partitions)
        clock = BusClock()
        publisher = Publisher(
            client, keys, Lease(LeaseKeys.for_capture(order.camera_id, order.partitions), order.lease.encode()),
            queue_frames=order.queue_frames, lossless=order.lossless, pause=pause, clock=clock,
        )  # fmt: skip
        reporter = Reporter(
            sys.stdout, publisher, AdaptiveRate(order.analysis_fps, order.overload_fps, order.patience_s), clock
        )
        backlog = Backlog(client, keys, order.queue_frames)
        with _traced(order, clock) as trace:
            Capture(order, publisher, backlog, reporter, stop, trace).run()


if __name__ == "__main__":
    main()
