"""Capture times: wall clock at arrival, carried on by the source's own timestamps."""

from __future__ import annotations

_NS = 1_000_000_000
_AHEAD_S = 1.0  # a stamp further in the future shows that the anchor picture arrived late: anchor again
_BEHIND_S = 60.0  # so late that it is a lost timeline, not lag
_SLEW_FORWARD = 0.005  # of elapsed media time: covers a camera's drift (16 s in 4 h is 0.1 %), hides no growing lag
_SLEW_BACK = 0.05  # stamps ahead of the wall clock are wrong for certain: correct them faster
_LEAST_STEP_NS = 1_000_000
_FORGET_FUTURE_S = 60.0  # an earlier stamp further ahead means that the wall clock was set back: start afresh


class LiveClock:
    """Stamps pictures of a live source, in Unix nanoseconds, strictly rising.

    Within a connection differences follow the media time, but for a slow correction of drift. Pictures that arrive
    late keep their true, earlier time: lag stays visible.
    """

    def __init__(self, last_ns: int | None = None) -> None:
        self._last_ns = last_ns
        self._offset_ns: int | None = None  # wall clock minus media time
        self._last_media_ns = 0

    def anchor(self, media_time_s: float, now_ns: int) -> None:
        """The picture at ``media_time_s`` arrives fresh at ``now_ns``."""
        self._last_media_ns = round(media_time_s * _NS)
        self._offset_ns = now_ns - self._last_media_ns

    def stamp(self, media_time_s: float, now_ns: int, discontinuity: bool) -> int:
        """Capture time of a picture that arrived at ``now_ns``."""
        media_ns = round(media_time_s * _NS)
        if self._offset_ns is None or discontinuity:
            self._offset_ns = now_ns - media_ns
        else:
            self._correct(media_ns, now_ns)
        self._last_media_ns = media_ns
        self._last_ns = self._risen(media_ns + self._offset_ns, now_ns)
        return self._last_ns

    def _correct(self, media_ns: int, now_ns: int) -> None:
        assert self._offset_ns is not None
        late_ns = now_ns - (media_ns + self._offset_ns)
        if not -_AHEAD_S * _NS <= late_ns <= _BEHIND_S * _NS:
            self._offset_ns += late_ns
            return
        elapsed_ns = max(0, media_ns - self._last_media_ns)
        most = round(elapsed_ns * (_SLEW_FORWARD if late_ns > 0 else _SLEW_BACK))
        self._offset_ns += max(-most, min(most, late_ns))

    def _risen(self, stamp_ns: int, now_ns: int) -> int:
        if self._last_ns is None or self._last_ns > now_ns + _FORGET_FUTURE_S * _NS:
            return stamp_ns
        return max(stamp_ns, self._last_ns + _LEAST_STEP_NS)


class FileClock:
    """Stamps pictures of a file: a fixed start plus the exact media time, so that scores equal offline ones."""

    def __init__(self, start_ns: int, last_ns: int | None = None) -> None:
        self._start_ns = start_ns if last_ns is None else max(start_ns, last_ns + _LEAST_STEP_NS)

    @property
    def start_ns(self) -> int:
        return self._start_ns

    def stamp(self, media_time_s: float) -> int:
        return self._start_ns + round(media_time_s * _NS)
