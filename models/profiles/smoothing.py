"""Causal smoothing over timestamps: right for irregular and missing frames."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

SIGMA_S = 0.68  # 17 frames at 25 fps, the seed method's width
_REACH = 4.0  # samples older than this many sigmas weigh less than 0.04 % and are forgotten


class CausalGaussian:
    """One-sided Gaussian kernel mean: at time t, ``sum(w_i v_i) / sum(w_i)``, ``w_i = exp(-(t - t_i)^2 / 2 sigma^2)``
    over the samples with ``t - 4 sigma <= t_i <= t``.

    Times are seconds on any clock; where it was set back, smoothing starts afresh. The state is the list of
    remembered samples.
    """

    def __init__(self, sigma_s: float = SIGMA_S) -> None:
        if not sigma_s > 0:
            raise ValueError(f"sigma_s must be positive, not {sigma_s}")
        self._sigma_s = sigma_s
        self._samples: deque[tuple[float, float]] = deque()

    def add(self, at_s: float, value: float) -> float:
        """Take a sample and return the smoothed value at its time."""
        if not math.isfinite(value):
            raise ValueError("a sample must be finite")
        if self._samples and at_s < self._samples[-1][0]:
            self._samples.clear()
        while self._samples and at_s - self._samples[0][0] > _REACH * self._sigma_s:
            self._samples.popleft()
        self._samples.append((at_s, value))
        total = weights = 0.0
        for then_s, then in self._samples:
            weight = math.exp(-0.5 * ((at_s - then_s) / self._sigma_s) ** 2)
            total += weight * then
            weights += weight
        return total / weights

    def clear(self) -> None:
        """Forget all samples."""
        self._samples.clear()

    @property
    def samples(self) -> list[tuple[float, float]]:
        """The state: remembered (time, value) pairs, oldest first."""
        return list(self._samples)

    def restore(self, samples: Iterable[Iterable[float]]) -> None:
        """Go on from a stored state. Raises ValueError or TypeError when it is none."""
        found = [(float(at_s), float(value)) for at_s, value in samples]
        times = [at_s for at_s, _ in found]
        if not all(math.isfinite(number) for sample in found for number in sample) or times != sorted(times):
            raise ValueError("stored samples must be finite, oldest first")
        self._samples = deque(found)
