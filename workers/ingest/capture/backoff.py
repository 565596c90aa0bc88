"""How long to wait before trying a source again."""

from __future__ import annotations

import random


class Backoff:
    """Doubles from ``least_s`` to ``most_s``, with jitter; starts over only after a run of ``stable_after_s``.

    A short success does not reset it: a camera that accepts and drops would be hammered.
    """

    def __init__(self, least_s: float, most_s: float, stable_after_s: float) -> None:
        self._least_s = least_s
        self._most_s = max(least_s, most_s)
        self._stable_after_s = stable_after_s
        self._attempts = 0

    def after(self, ran_s: float) -> float:
        """Seconds to wait after a run that delivered frames for ``ran_s``."""
        if ran_s >= self._stable_after_s:
            self._attempts = 0
        wait_s = min(self._most_s, self._least_s * 2.0 ** min(self._attempts, 30))
        self._attempts += 1
        return wait_s * random.uniform(1.0, 1.25)
