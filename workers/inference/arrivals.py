"""Since when a camera's frames can have been waiting, by what was seen of its queue and no wall clock."""

from __future__ import annotations

from collections import deque

_MOST = 64
_APART_S = 0.1  # of looks that are kept


class Arrivals:
    """Remembers how far a camera's queue reached at each look. ``now_s`` is monotonic."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque(maxlen=_MOST)  # (now_s, newest sequence number)

    def looked(self, newest_seq: int, now_s: float) -> None:
        """There was no frame beyond this number."""
        if self._looks and now_s - self._looks[-1][0] < _APART_S:
            return
        self._looks.append((now_s, newest_seq))

    def waited_at_most_s(self, seq: int, now_s: float) -> float:
        """Infinity for a frame that may have been there always."""
        absent = (at_s for at_s, newest in reversed(self._looks) if newest < seq)
        return now_s - next(absent, float("-inf"))
