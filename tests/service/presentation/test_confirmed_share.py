from __future__ import annotations

import pytest
from scipy.stats import binomtest

from patchwatch.messages.alerts.verdict import VerdictCounts
from service.presentation.reports.confirmed_share import confirmed_share, wilson_interval


@pytest.mark.parametrize(("confirmed", "judged"), [(0, 1), (1, 1), (3, 4), (9, 12), (1, 500), (500, 500)])
def test_the_interval_is_that_of_wilson(confirmed: int, judged: int) -> None:
    reference = binomtest(confirmed, judged).proportion_ci(0.9, method="wilson")
    assert wilson_interval(confirmed, judged) == pytest.approx((reference.low, reference.high), abs=1e-12)


def test_without_a_verdict_that_decides_there_is_no_share() -> None:
    assert confirmed_share(VerdictCounts(unsure=3)) is None
    share = confirmed_share(VerdictCounts(normal=1))
    assert share is not None
    assert (share.share, share.judged) == (0, 1)
    assert share.high < 0.8
