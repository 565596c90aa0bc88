"""Capture times: the source's own timestamps on the monotonic clock, converted to wall-clock time.

Intervals come from the source and the monotonic clock alone. The wall clock (`patchwatch.bus.clock.BusClock`) only adds
an offset: when it is set, capture times jump with it, and nothing else does.
"""

from __future__ import annotations

from dataclasses import dataclass

from patchwatch.bus.clock import stepped

_NS = 1_000_000_000
_AHEAD_S = 1.0  # A stamp further in the future shows that the anchor picture arrived late: anchor again.
_BEHIND_S = 60.0  # A picture this late belongs to a new timeline; it is not lag.
# Corrections, as shares of the elapsed media time. Forward, it covers a camera's drift (16 s in 4 h is 0.1 %) but does
# not hide growing lag. Stamps ahead of the clock are certainly wrong, so they are corrected faster.
_SLEW_FORWARD = 0.005
_SLEW_BACK = 0.05
_LEAST_STEP_NS = 1_000_000
_FUTURE_NS = 500_000_000  # The clock behind an earlier stamp so far in the future has been set back since.


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a picture arrived: on the monotonic clock, and how far the wall clock was ahead of it."""

    monotonic_ns: int
    wall_offset_ns: int

    @property
    def wall_ns(self) -> int:
        return self.monotonic_ns + self.wall_offset_ns


@dataclass(frozen=True, slots=True)
class Stamp:
    """Capture time in Unix nanoseconds, and how long after it the picture arrived, by the monotonic clock."""

    captured_at_ns: int
    late_ns: int


class LiveClock:
    """Stamps pictures of a live source. Stamps rise strictly, unless the wall clock was set back.

    Within a connection, differences follow the media time except for a slow correction of drift. Pictures that arrive
    late keep their true, earlier time, so lag stays visible. ``last_ns``: the previous stamp.
    """

    def __init__(self, last_ns: int | None = None) -> None:
        self._last_ns = last_ns
        self._offset_ns: int | None = None  # Monotonic clock minus media time.
        self._last_media_ns = 0
        self._wall_offset_ns: int | None = None  # Wall clock minus monotonic clock, as stamps use it.

    def anchor(self, media_time_s: float, arrived: Arrival) -> None:
        """The picture at ``media_time_s`` arrived without delay."""
        self._last_media_ns = round(media_time_s * _NS)
        self._offset_ns = arrived.monotonic_ns - self._last_media_ns

    def stamp(self, media_time_s: float, arrived: Arrival, discontinuity: bool) -> Stamp:
        """Capture time of a picture."""
        media_ns = round(media_time_s * _NS)
        self._follow_wall(max(0, media_ns - self._last_media_ns), arrived.wall_offset_ns)
        if self._offset_ns is None or discontinuity:
            self._offset_ns = arrived.monotonic_ns - media_ns
        else:
            self._correct(media_ns, arrived.monotonic_ns)
        self._last_media_ns = media_ns
        at_ns = media_ns + self._offset_ns
        self._last_ns = self._strictly_after(at_ns + (self._wall_offset_ns or 0), arrived.wall_ns)
        return Stamp(self._last_ns, max(0, arrived.monotonic_ns - at_ns))

    def _follow_wall(self, elapsed_ns: int, offset_ns: int) -> None:
        """Follow the wall clock: at once when it was set, slowly when it is slewed or not exactly known."""
        if self._wall_offset_ns is None or stepped(self._wall_offset_ns, offset_ns):
            self._wall_offset_ns = offset_ns
            return
        most = round(elapsed_ns * _SLEW_BACK)
        self._wall_offset_ns += max(-most, min(most, offset_ns - self._wall_offset_ns))

    def _correct(self, media_ns: int, now_ns: int) -> None:
        assert self._offset_ns is not None
        late_ns = now_ns - (media_ns + self._offset_ns)
        if not -_AHEAD_S * _NS <= late_ns <= _BEHIND_S * _NS:
            self._offset_ns += late_ns
            return
        elapsed_ns = max(0, media_ns - self._last_media_ns)
        most = round(elapsed_ns * (_SLEW_FORWARD if late_ns > 0 else _SLEW_BACK))
        self._offset_ns += max(-most, min(most, late_ns))

    def _strictly_after(self, stamp_ns: int, now_ns: int) -> int:
        if self._last_ns is None or self._last_ns > now_ns + _FUTURE_NS:
            return stamp_ns
        return max(stamp_ns, self._last_ns + _LEAST_STEP_NS)


class FileClock:
    """Stamps pictures of a file: a fixed start plus the exact media time, so that scores equal offline ones.

    The start moves with the wall clock when that is set. The file is stamped after ``last_ns``, the previous stamp,
    unless the clock has been set back since.
    """

    def __init__(self, start_ns: int, wall_offset_ns: int, *, now_ns: int, last_ns: int | None = None) -> None:
        self._wall_offset_ns = wall_offset_ns
        self._start_ns = start_ns
        if last_ns is not None and last_ns <= now_ns + _FUTURE_NS:
            self._start_ns = max(start_ns, last_ns + _LEAST_STEP_NS)

    def stamp(self, media_time_s: float, wall_offset_ns: int) -> int:
        """``wall_offset_ns``: how far the wall clock is ahead of the monotonic one now."""
        if stepped(self._wall_offset_ns, wall_offset_ns):
            self._start_ns += wall_offset_ns - self._wall_offset_ns
            self._wall_offset_ns = wall_offset_ns
        return self._start_ns + round(media_time_s * _NS)
