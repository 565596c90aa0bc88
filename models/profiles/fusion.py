"""The streams of a frame become one number (fusion), and the numbers of successive frames a smooth one."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence

from models.frames.stored_numbers import stored_share, stored_time
from models.profiles.profile import SIGMA_S, Fusion

_REACH = 4.0  # samples older than this many sigmas weigh less than 0.04 % and are forgotten


def fuse(
    kind: Fusion, weights: Sequence[float], distances: Sequence[float | None], rarities: Sequence[float | None]
) -> float | None:
    """Fused value of one frame; None when no stream had evidence.

    ``distances`` and ``rarities`` hold one value per stream, None where it had no evidence. `Fusion.CALIBRATED`
    is the weighted mean of the known rarities: a frame without persons is judged by the other streams.
    `Fusion.DISTANCE` is the reference method's weighted sum of raw distances, an unknown one counting 0.
    """
    if kind is Fusion.DISTANCE:
        return sum(weight * (value or 0.0) for weight, value in zip(weights, distances, strict=True))
    known = [(weight, value) for weight, value in zip(weights, rarities, strict=True) if value is not None]
    total = sum(weight for weight, _ in known)
    return sum(weight * value for weight, value in known) / total if total > 0 else None


def group_means(
    groups: Sequence[Sequence[int]], weights: Sequence[float], rarities: Sequence[float | None]
) -> list[float | None]:
    """Weighted mean of the known rarities of each group's streams; None for a group without evidence.

    ``groups``: positions of the streams of each group. So a stream that is calm or silent lowers nobody's but its own
    group's value.
    """
    means = []
    for streams in groups:
        own = [weights[position] for position in streams], [rarities[position] for position in streams]
        means.append(fuse(Fusion.CALIBRATED, own[0], own[1], own[1]))
    return means


def contributions(
    kind: Fusion, weights: Sequence[float], distances: Sequence[float | None], rarities: Sequence[float | None]
) -> list[float]:
    """Share of each stream in the fused value: 0..1, together 1; all 0 when no stream of any weight had evidence.

    Both fusions are sums, so a stream's share is its own term, weight times rarity (`Fusion.CALIBRATED`) or weight
    times raw distance (`Fusion.DISTANCE`), over the sum of all. Where that is 0, all is as calm as it can be, and
    the weights of the streams with evidence are the shares.
    """
    values = distances if kind is Fusion.DISTANCE else rarities
    known_weights = [weight if value is not None else 0.0 for weight, value in zip(weights, values, strict=True)]
    terms = [weight * (value or 0.0) for weight, value in zip(known_weights, values, strict=True)]
    shared = terms if sum(terms) > 0 else known_weights
    total = sum(shared)
    return [term / total if total > 0 else 0.0 for term in shared]


def driver(weights: Sequence[float], rarities: Sequence[float | None]) -> int | None:
    """Index of the stream that contributed most, by weight times rarity; None when none of any weight had evidence."""
    pairs = zip(weights, rarities, strict=True)
    shares = [weight * value if value is not None and weight > 0 else -1.0 for weight, value in pairs]
    best = max(range(len(shares)), key=shares.__getitem__)
    return best if shares[best] >= 0 else None


class CausalGaussian:
    """One-sided Gaussian kernel mean: at time t, ``sum(w_i v_i) / sum(w_i)``, ``w_i = exp(-(t - t_i)^2 / 2 sigma^2)``
    over the samples with ``t - 4 sigma <= t_i <= t``.

    Times are seconds on any clock; where it was set back, smoothing restarts. The state is the list of
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

    def restore(self, stored: Iterable[Iterable[float]]) -> None:
        """Go on from a stored state of scores. Raises ValueError or TypeError when it is none."""
        restored = [(stored_time(at_s), stored_share(value)) for at_s, value in stored]
        times = [at_s for at_s, _ in restored]
        if times != sorted(times):
            raise ValueError("stored samples must stand oldest first")
        self._samples = deque(restored)
