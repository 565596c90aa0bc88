"""Counts and shares with the ends of their 90 % intervals."""

from __future__ import annotations

from scipy.stats import beta, chi2

CONFIDENCE = 0.9


def poisson(count: int) -> tuple[float, float, float]:
    """The count, and the ends of its 90 % interval (exact)."""
    tail = (1 - CONFIDENCE) / 2
    low = chi2.ppf(tail, 2 * count) / 2 if count else 0.0
    return float(count), float(low), float(chi2.ppf(1 - tail, 2 * count + 2) / 2)


def proportion(count: int, of: int) -> tuple[float, float, float]:
    """The share, and the ends of its 90 % interval (Clopper and Pearson)."""
    if not of:
        return 0.0, 0.0, 1.0
    tail = (1 - CONFIDENCE) / 2
    low = beta.ppf(tail, count, of - count + 1) if count else 0.0
    high = beta.ppf(1 - tail, count + 1, of - count) if count < of else 1.0
    return count / of, float(low), float(high)
