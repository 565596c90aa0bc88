"""How long to wait before a source is opened again."""

from __future__ import annotations

import random


class Backoff:
    """Doubles from ``least_s`` to ``most_s``, with jitter; resets only after a run of ``stable_after_s``.

    A shorter run does not reset it: a camera that accepts connections and drops them would be flooded.
    """

    def __init__(self, least_s: float, most_s: float, stable_after_s: float) -> None:
        self._least_s = least_s
        self._most_s = max(least_s, most_s)
        self._stable_after_s = stable_after_s
        self._attempts = 0

    def next_wait_s(self, ran_s: float) -> float:
        """Seconds to wait after a run that delivered frames for ``ran_s``."""
        if ran_s >= self._stable_after_s:
            self._attempts = 0
        wait_s = min(self._most_s, self._least_s * 2.0 ** min(self._attempts, 30))
        self._attempts += 1
        return wait_s * random.uniform(1.0, 1.25)
