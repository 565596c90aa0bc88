"""How well a rate is known from a count of events."""

from __future__ import annotations

from math import exp, lgamma, log, sqrt

_TAIL = 0.05  # on either side of an interval of 90 %
_HALVINGS = 60
_TERMS = 10_000


def poisson_interval(count: int) -> tuple[float, float]:
    """The 90 % interval of the number of events to be expected where ``count`` were seen.

    With Jeffreys' prior the number expected is Gamma(count + 1/2), as in the thresholds of alarm budgets.
    """
    low = 0.0 if count == 0 else _quantile(count + 0.5, _TAIL)
    return low, _quantile(count + 0.5, 1.0 - _TAIL)


def _quantile(shape: float, chance: float) -> float:
    reach = 10.0 * sqrt(shape) + 10.0  # beyond, the series would underflow, and no quantile lies there
    low, high = max(0.0, shape - reach), shape + reach
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _below(shape, middle) < chance else (low, middle)
    return high


def _below(shape: float, value: float) -> float:
    """The regularised lower incomplete gamma function, by its series."""
    if value <= 0.0:
        return 0.0
    term = total = exp(shape * log(value) - value - lgamma(shape + 1.0))
    for n in range(1, _TERMS):
        term *= value / (shape + n)
        total += term
        if term < 1e-12 * total:
            break
    return min(1.0, total)
