"""Of one camera: adds up, frame by frame, for how long something moved in each quarter of an hour."""

from __future__ import annotations

from collections.abc import Sequence

from models.alarms.event_detector import AlertGate
from models.engine.activity import activity_stream, moves
from models.frames.frame import Features
from models.profiles.profile import Profile, StreamKind
from patchwatch.messages.cameras.activity import QUARTER_MS, QUARTERS, place_of, value_of

_LONGEST_MS = 2000  # between two frames; what lies between others was not seen
_LEAST_MOVED_MS = 1000  # in a quarter: less may be a flash
_LEAST_SEEN_S = 0.8 * QUARTER_MS / 1000  # of a quarter in which nothing moved


class CameraActivity:
    """``stream``: position and kind of the one that tells. ``muted``: it counts for nothing, so nothing is known."""

    def __init__(self, profile: Profile) -> None:
        self.stream = activity_stream(profile)
        self.muted = False
        self._quarter = -1  # of Unix time
        self._last_ms = 0
        self._seen_ms = self._moved_ms = 0
        self._told = False
        self._changes: dict[int, int] = {}  # value by quarter of Unix time, at most some

    def add(self, captured_ms: int, features: Sequence[Features], gate: AlertGate) -> None:
        """``captured_ms``: Unix time. ``gate``: whether its score could open an event; a picture that is wrong shows
        nobody what moves."""
        passed_ms, self._last_ms = captured_ms - self._last_ms, captured_ms
        quarter = captured_ms // QUARTER_MS
        if quarter != self._quarter:
            self._end(quarter)
        if self.stream is None or self.muted or gate is not AlertGate.OPEN or not 0 < passed_ms <= _LONGEST_MS:
            return
        self._seen_ms += passed_ms
        if self._moves(features):
            self._moved_ms += passed_ms
            if self._moved_ms >= _LEAST_MOVED_MS and not self._told:  # at once: what was absent has come
                self._told = True
                self._changes[quarter] = self._value()

    def _moves(self, features: Sequence[Features]) -> bool:
        position, kind = self.stream or (0, StreamKind.MOTION)
        return moves(kind, features[position])

    def _end(self, quarter: int) -> None:
        if self._quarter >= 0:
            self._changes[self._quarter] = self._value()
        self._quarter, self._seen_ms, self._moved_ms, self._told = quarter, 0, 0, False

    def _value(self) -> int:
        moved_ms = self._moved_ms if self._moved_ms >= _LEAST_MOVED_MS else 0
        return value_of(moved_ms / 1000, self._seen_ms / 1000, _LEAST_SEEN_S)

    def take_changes(self) -> dict[int, int]:
        """Values that are new since the last call, by quarter of Unix time."""
        changes, self._changes = self._changes, {}
        return changes

    def put_back(self, changes: dict[int, int]) -> None:
        """They could not be written."""
        self._changes = changes | self._changes


def with_changes(weeks: dict[int, bytes], changes: dict[int, int]) -> dict[int, bytes]:
    """The weeks that differ, with these values of quarters of Unix time."""
    rows: dict[int, bytearray] = {}
    for quarter, value in changes.items():
        week, place = place_of(quarter * QUARTER_MS)
        row = rows.setdefault(week, bytearray(weeks.get(week, bytes(QUARTERS))))
        row[place] = max(row[place], value)  # an hour that the clocks repeat; a worker that began within the quarter
    return {week: bytes(row) for week, row in rows.items()}
