"""Media time from unreliable timestamps, and the choice of frames to analyse. Both are pure and deterministic."""

from __future__ import annotations

import math
from dataclasses import dataclass

_EARLY_SLOTS = 0.1  # A frame this early counts for the next slot: cameras jitter around their nominal rate.
_BACKWARD_JITTER_S = 0.5  # A smaller step back is a late or repeated picture, a larger one a new timeline.
_FILE_FORWARD_JUMP_S = 86_400.0  # No recording pauses for longer: its timestamps are damaged.
_LIVE_FORWARD_JUMP_S = 10.0  # No camera pauses for longer without a disconnect.
_MAX_STEP_S = 2.0  # Pictures further apart are not compared with each other.


@dataclass(frozen=True, slots=True)
class MediaTick:
    """A decoded picture's time in its source: seconds since the first one, and whether continuity broke before it."""

    media_time_s: float
    discontinuity: bool


class MediaClock:
    """Converts PTS to strictly increasing seconds since the first picture.

    A missing PTS advances by the nominal interval. A step back, or a jump forward further than a source of its kind can
    pause, starts a new timeline one interval after the last picture and is a discontinuity; a shorter pause is kept.
    """

    def __init__(self, interval_s: float, live: bool) -> None:
        self._interval_s = interval_s
        self._longest_pause_s = _LIVE_FORWARD_JUMP_S if live else _FILE_FORWARD_JUMP_S
        self._origin_s: float | None = None  # The PTS that corresponds to media time 0.
        self._last_s: float | None = None

    def read(self, pts_s: float | None) -> MediaTick | None:
        """None for a picture that repeats an earlier time and must be skipped."""
        if self._last_s is None:
            self._last_s, self._origin_s = 0.0, pts_s
            return MediaTick(0.0, discontinuity=True)
        following_s = self._last_s + self._interval_s
        if pts_s is None:
            return self._advance(following_s, discontinuity=False)
        if self._origin_s is None:
            self._origin_s = pts_s - following_s
        time_s = pts_s - self._origin_s
        step_s = time_s - self._last_s
        if step_s < -_BACKWARD_JITTER_S or step_s > self._longest_pause_s:
            self._origin_s = pts_s - following_s
            return self._advance(following_s, discontinuity=True)
        if step_s <= 0:
            return None
        return self._advance(time_s, discontinuity=step_s > max(_MAX_STEP_S, 5 * self._interval_s))

    def _advance(self, time_s: float, discontinuity: bool) -> MediaTick:
        self._last_s = time_s
        return MediaTick(time_s, discontinuity)


class Sampler:
    """Selects the first picture of each slot of 1/fps seconds: the same timestamps always give the same choice.

    ``fps`` may be changed at any time.
    """

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self._taken_s: float | None = None

    def takes(self, media_time_s: float) -> bool:
        if self._taken_s is not None and self._slot(media_time_s) <= self._slot(self._taken_s):
            return False
        self._taken_s = media_time_s
        return True

    def _slot(self, media_time_s: float) -> int:
        return math.floor(media_time_s * self.fps + _EARLY_SLOTS)
