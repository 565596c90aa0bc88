"""A camera's own time: strictly rising, with the true intervals of its frames, however the clocks are set."""

from __future__ import annotations

from typing import NamedTuple

from patchwatch.messages.clock_eras import Eras
from patchwatch.messages.frame import FrameMessage

_MS = 1_000_000
_NS = 1_000_000_000
# By this share of an interval a live source's timestamps may be corrected: `workers.ingest.capture.capture_clock`.
_SLEWED = 0.11
_MEDIA_DOUBT_NS = 5 * _MS
_RECEIPT_DOUBT_NS = 15 * _NS  # frames wait in the queue, some longer than others
_UNSEEN_PAUSE_NS = 60 * _NS  # a longer pause before a restart is not believed: a clock may have been set
_LEAST_NS = _MS


class TimedFrame(NamedTuple):
    """The last frame. ``received_ns``: on this process's monotonic clock; None if another process received it."""

    own_ns: int
    captured_ns: int
    media_ns: int
    received_ns: int | None


class CameraTime:
    """Follows the frames of one camera, in order.

    An interval between two wall-clock timestamps is believed while the source's own timestamps agree with it or, where
    these restart, the times of receipt do. Otherwise the capture's wall clock was set: own time goes on, in a new era.
    """

    def __init__(self, eras: Eras | None = None, last: TimedFrame | None = None) -> None:
        self.eras = eras or Eras()
        self.last = last

    def take(self, message: FrameMessage, received_ns: int) -> int:
        """The frame's own time, in nanoseconds."""
        stamped_ns = message.captured_at_ns + self.eras.shift_ms * _MS
        own_ns = stamped_ns
        if self.last is not None and not self._believes(stamped_ns, message, received_ns, self.last):
            wanted_ns = self.last.own_ns + max(_LEAST_NS, self._elapsed_ns(message, received_ns, self.last, stamped_ns))
            shift_ms = -(-(wanted_ns - message.captured_at_ns) // _MS)
            own_ns = message.captured_at_ns + shift_ms * _MS
            self.eras.begin(own_ns // _MS, shift_ms)
        self.last = TimedFrame(own_ns, message.captured_at_ns, message.media_time_ns, received_ns)
        return own_ns

    def _believes(self, stamped_ns: int, message: FrameMessage, received_ns: int, last: TimedFrame) -> bool:
        step_ns = stamped_ns - last.own_ns
        media_ns = message.media_time_ns - last.media_ns
        if step_ns <= 0:
            return False
        if media_ns > 0 and abs(step_ns - media_ns) <= _MEDIA_DOUBT_NS + _SLEWED * media_ns:
            return True
        if media_ns > 0 and not message.discontinuity:
            return False
        if last.received_ns is None:
            return step_ns <= _UNSEEN_PAUSE_NS
        return abs(step_ns - (received_ns - last.received_ns)) <= _RECEIPT_DOUBT_NS

    def _elapsed_ns(self, message: FrameMessage, received_ns: int, last: TimedFrame, stamped_ns: int) -> int:
        media_ns = message.media_time_ns - last.media_ns
        if media_ns > 0 and not message.discontinuity:
            return media_ns
        if last.received_ns is not None:
            return received_ns - last.received_ns
        return min(_UNSEEN_PAUSE_NS, max(0, stamped_ns - last.own_ns))
