"""The interval of a rate is that of the incomplete gamma function."""

from __future__ import annotations

import pytest
from scipy.special import gammaincinv

from service.presentation.reports.poisson_interval import poisson_interval


@pytest.mark.parametrize("count", [1, 2, 7, 40, 600, 5000])
def test_it_is_that_of_jeffreys_prior(count: int) -> None:
    expected = gammaincinv(count + 0.5, 0.05), gammaincinv(count + 0.5, 0.95)
    assert poisson_interval(count) == pytest.approx(expected, rel=1e-6)


def test_where_nothing_was_seen_nothing_may_be_the_rate() -> None:
    assert poisson_interval(0) == pytest.approx((0.0, 1.92), abs=0.01)
