"""The share of a camera's alerts that operators confirmed, and how well it is known."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

from patchwatch.messages.alerts.verdict import VerdictCounts
from service.schemas.cameras.status import ConfirmedShare

_Z = NormalDist().inv_cdf(0.95)  # of a two-sided interval of 90 %


def confirmed_share(counts: VerdictCounts) -> ConfirmedShare | None:
    """None while operators called no alert right or normal."""
    judged = counts.normal + counts.anomaly
    if judged == 0:
        return None
    low, high = wilson_interval(counts.anomaly, judged)
    return ConfirmedShare(share=counts.anomaly / judged, low=low, high=high, confirmed=counts.anomaly, judged=judged)


def wilson_interval(confirmed: int, judged: int) -> tuple[float, float]:
    """The 90 % interval of a share, ``confirmed`` of ``judged`` > 0 (Wilson, J. Am. Stat. Assoc. 22, 1927)."""
    share, square = confirmed / judged, _Z * _Z
    middle = (share + square / (2 * judged)) / (1 + square / judged)
    half = _Z * sqrt(share * (1 - share) / judged + square / (4 * judged * judged)) / (1 + square / judged)
    return max(0.0, middle - half), min(1.0, middle + half)
