"""A camera's own time: strictly rising, with the true intervals between its frames, whatever is done to any clock."""

from __future__ import annotations

from typing import NamedTuple

from patchwatch.messages.clock_eras import Eras
from patchwatch.messages.frame import FrameMessage

_MS = 1_000_000
_NS = 1_000_000_000
_SLEWED = (
    0.11  # of an interval: by so much a live source's stamps may be corrected (`workers.ingest.capture.capture_clock`)
)
_MEDIA_DOUBT_NS = 5 * _MS
_RECEIPT_DOUBT_NS = 15 * _NS  # frames wait in the queue, some longer than others
_UNSEEN_PAUSE_NS = 60 * _NS  # a pause that nobody watched counts no more: it may be a clock that was set
_LEAST_NS = _MS


class TimedFrame(NamedTuple):
    """What is remembered of the last frame. ``received_ns``: on this process's monotonic clock, None of another's."""

    own_ns: int
    captured_ns: int
    media_ns: int
    received_ns: int | None


class CameraTime:
    """Follows the frames of one camera, in order.

    An interval is believed as the stamps have it while the source's own timestamps agree, or, where these begin anew,
    the time of receipt. Else the wall clock of the capture was set: own time goes on, in a new era.
    """

    def __init__(self, eras: Eras | None = None, last: TimedFrame | None = None) -> None:
        self.eras = eras or Eras()
        self.last = last

    def take(self, message: FrameMessage, received_ns: int) -> int:
        """The frame's own time, in nanoseconds."""
        told_ns = message.captured_at_ns + self.eras.shift_ms * _MS
        own_ns = told_ns
        if self.last is not None and not self._believes(told_ns, message, received_ns, self.last):
            wanted_ns = self.last.own_ns + max(_LEAST_NS, self._elapsed_ns(message, received_ns, self.last, told_ns))
            shift_ms = -(-(wanted_ns - message.captured_at_ns) // _MS)
            own_ns = message.captured_at_ns + shift_ms * _MS
            self.eras.begin(own_ns // _MS, shift_ms)
        self.last = TimedFrame(own_ns, message.captured_at_ns, message.media_time_ns, received_ns)
        return own_ns

    def _believes(self, told_ns: int, message: FrameMessage, received_ns: int, last: TimedFrame) -> bool:
        step_ns = told_ns - last.own_ns
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

    def _elapsed_ns(self, message: FrameMessage, received_ns: int, last: TimedFrame, told_ns: int) -> int:
        media_ns = message.media_time_ns - last.media_ns
        if media_ns > 0 and not message.discontinuity:
            return media_ns
        if last.received_ns is not None:
            return received_ns - last.received_ns
        return min(_UNSEEN_PAUSE_NS, max(0, told_ns - last.own_ns))
