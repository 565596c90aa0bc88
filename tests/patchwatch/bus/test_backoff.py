"""Delays double up to a limit, with jitter, and start over only after a long run."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from patchwatch.bus.backoff import Backoff, RestartBackoff, even_jitter, late_jitter


def test_delays_double_up_to_the_longest() -> None:
    assert [Backoff(1.0, 10.0).delay_s(failures) for failures in range(6)] == [1, 2, 4, 8, 10, 10]


def test_the_least_delay_counts_where_it_is_above_the_longest() -> None:
    assert Backoff(20.0, 10.0).delay_s(3) == 20


@given(failures=st.integers(0, 10**9))
def test_jitter_stays_within_its_bounds_however_often_it_failed(failures: int) -> None:
    nominal_s = Backoff(0.5, 30.0).delay_s(failures)
    assert nominal_s <= Backoff(0.5, 30.0, late_jitter).delay_s(failures) <= 1.25 * nominal_s
    assert 0.75 * nominal_s <= Backoff(0.5, 30.0, even_jitter).delay_s(failures) <= 1.25 * nominal_s


def test_only_a_long_run_starts_it_over() -> None:
    backoff = RestartBackoff(Backoff(1.0, 30.0), stable_after_s=60.0)
    assert [backoff.delay_after(ran_s) for ran_s in (0.0, 1.0, 59.0, 60.0, 0.0)] == [1, 2, 4, 1, 2]
