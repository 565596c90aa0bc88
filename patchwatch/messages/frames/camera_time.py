"""A camera's own time, and what the wall clock shows at it.

It starts as wall-clock time and then advances with the true intervals between the camera's frames, even if a clock is
set. Its scores are stored in that order. An era is a period during which the wall clock was not set.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Annotated, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

from patchwatch.messages.frames.frame import FrameMessage

_MOST = 256  # if a clock is set more often, the oldest eras are forgotten
_LARGEST = 2**60
_Bounded = Annotated[int, Field(ge=-_LARGEST, le=_LARGEST)]
_SLACK_MS = 1000  # where two scores fall on one millisecond, an id differs from its time by a few
_MS = 1_000_000
_NS = 1_000_000_000
# By this share of an interval a live source's timestamps may be corrected: `workers.ingest.capture.capture_clock`.
_SLEWED = 0.11
_MEDIA_DOUBT_NS = 5 * _MS
_RECEIPT_DOUBT_NS = 15 * _NS  # frames wait in the queue, some longer than others
_UNSEEN_PAUSE_NS = 60 * _NS  # a longer pause before a restart is not believed: a clock may have been set
_LEAST_NS = _MS


class Era(NamedTuple):
    """From ``start_ms`` on, the camera's own time is ``shift_ms`` ahead of the wall clock."""

    start_ms: _Bounded
    shift_ms: _Bounded


_LAYOUT = TypeAdapter(list[Era])


class Eras:
    """The eras of a camera, in order. Without any, its own time is wall-clock time."""

    def __init__(self, eras: list[Era] | None = None) -> None:
        self._eras = sorted(eras or [Era(0, 0)])[-_MOST:]

    def __len__(self) -> int:
        return len(self._eras)

    @property
    def shift_ms(self) -> int:
        """The shift of the present era."""
        return self._eras[-1].shift_ms

    def begin(self, start_ms: int, shift_ms: int) -> None:
        """Begin a new era: the wall clock was set."""
        before = [era for era in self._eras if era.start_ms < start_ms]
        self._eras = [*before[1 - _MOST :], Era(start_ms, shift_ms)]

    def forget_before(self, own_ms: int) -> None:
        """Forget eras that ended before a time whose scores are not kept any more."""
        self._eras = self._eras[max(0, self._number(own_ms)) :]

    def wall_ms(self, own_ms: int, since_ms: int | None = None) -> int:
        """The wall-clock time. ``since_ms``: as if the clock had not been set after that time."""
        number = self._number(own_ms if since_ms is None else since_ms)
        return own_ms - self._eras[max(0, number)].shift_ms

    def own_ranges(self, from_wall_ms: int, to_wall_ms: int) -> Iterator[tuple[int, int]]:
        """The ranges of own time that cover a period of the wall clock: in order, disjoint, and a little wider."""
        covered: tuple[int, int] | None = None
        for first, last in sorted(self._ranges(from_wall_ms, to_wall_ms)):
            if covered is not None and first > covered[1]:
                yield covered
                covered = None
            covered = (first, last) if covered is None else (covered[0], max(covered[1], last))
        if covered is not None:
            yield covered

    def _ranges(self, from_wall_ms: int, to_wall_ms: int) -> Iterator[tuple[int, int]]:
        """One range for each era that has any, with slack on both sides: they may overlap."""
        for number, era in enumerate(self._eras):
            first = max(from_wall_ms + era.shift_ms, era.start_ms if number else 0) - _SLACK_MS
            last = to_wall_ms + era.shift_ms + _SLACK_MS
            if number + 1 < len(self._eras):
                last = min(last, self._eras[number + 1].start_ms + _SLACK_MS)
            if (first := max(0, first)) <= last:
                yield first, last

    def encode(self) -> bytes:
        return _LAYOUT.dump_json(self._eras)

    @classmethod
    def from_record(cls, data: bytes | None) -> Eras:
        """A record that cannot be read counts as none."""
        try:
            return cls(_LAYOUT.validate_json(data)) if data else cls()
        except ValidationError:
            return cls()

    def _number(self, own_ms: int) -> int:
        return bisect_right(self._eras, (own_ms, _LARGEST + 1)) - 1


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
