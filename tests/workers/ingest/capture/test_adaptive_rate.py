"""The analysis rate falls before frames are dropped, rises again slowly, and does not swing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from workers.ingest.capture.adaptive_rate import AdaptiveRate, LoadSample

PATIENCE_S = 5.0


def run(rate: AdaptiveRate, seconds: int, sample: Callable[[int], LoadSample], start_s: int = 0) -> list[float]:
    """The rate after each sample, one per second."""
    rates = []
    for second in range(start_s, start_s + seconds):
        rate.observe(sample(second), float(second))
        rates.append(rate.fps)
    return rates


def analysis(rate: AdaptiveRate, frames_per_s: float) -> Callable[[int], LoadSample]:
    """An analysis that manages so many frames a second, and what waits for it."""
    waiting: deque[float] = deque()  # when each was published
    sampled_s = decided_s = 0.0

    def sample(second: int) -> LoadSample:
        nonlocal sampled_s, decided_s
        decided = 0
        while sampled_s <= second:
            waiting.append(sampled_s)
            sampled_s += 1 / rate.fps
        while waiting and (decided_s := max(decided_s, waiting[0] + 0.01)) <= second:
            waiting.popleft()
            decided += 1
            decided_s += 1 / frames_per_s
        return LoadSample(second - waiting[0] if waiting else 0.0, decided)

    return sample


def test_an_analysis_that_keeps_up_leaves_the_rate_alone() -> None:
    rate = AdaptiveRate(5, 1.25, PATIENCE_S)
    assert set(run(rate, 600, analysis(rate, 5))) == {5.0}


def test_it_falls_before_the_oldest_frame_is_too_old_and_stops_at_the_floor() -> None:
    rate = AdaptiveRate(5, 1.25, PATIENCE_S)
    waited = 0.0
    manages = analysis(rate, 2.5)
    for second in range(120):
        sample = manages(second)
        waited = max(waited, sample.waiting_s)
        rate.observe(sample, float(second))
    assert 1 < waited < PATIENCE_S
    assert rate.one_in > 1
    rate = AdaptiveRate(5, 1.25, PATIENCE_S)
    assert set(run(rate, 300, lambda _: LoadSample(60.0, decided=1))[20:]) == {1.25}


def test_one_long_wait_is_no_overload() -> None:
    rate = AdaptiveRate(5, 1.25, PATIENCE_S)
    assert set(run(rate, 300, lambda second: LoadSample(4.0 if second % 10 == 0 else 0.1, decided=1))) == {5.0}


def test_without_any_progress_the_rate_is_kept() -> None:
    rate = AdaptiveRate(5, 1.25, PATIENCE_S)
    assert set(run(rate, 300, lambda _: LoadSample(60.0, decided=0))) == {5.0}


def test_a_slow_analysis_makes_progress_between_its_batches_too() -> None:
    rate = AdaptiveRate(5, 1.25, PATIENCE_S)
    assert run(rate, 60, lambda second: LoadSample(3.0, decided=16 * (second % 4 == 0)))[-1] == 1.25


def test_it_rises_step_by_step_once_nothing_waits() -> None:
    rate = AdaptiveRate(5, 1.25, PATIENCE_S)
    run(rate, 60, lambda _: LoadSample(4.0, decided=1))
    rates = run(rate, 120, lambda _: LoadSample(0.1, decided=1), start_s=60)
    assert rates[0] == 1.25
    assert rates[25] == 1.25
    assert [fps for fps, before in zip(rates[1:], rates, strict=False) if fps != before] == [2.5, 5.0]


def test_a_lost_worker_is_no_calm() -> None:
    rate = AdaptiveRate(5, 1.25, PATIENCE_S)
    run(rate, 60, lambda _: LoadSample(4.0, decided=1))
    assert set(run(rate, 300, lambda _: LoadSample(0.0, decided=0), start_s=60)) == {1.25}


def test_a_rate_whose_raise_failed_is_tried_less_and_less_often() -> None:
    rate = AdaptiveRate(5, 1.25, PATIENCE_S)
    rates = run(rate, 4 * 3600, analysis(rate, 3))
    falls = [second for second in range(1, len(rates)) if rates[second] < rates[second - 1] and rates[second] == 2.5]
    first_hour = sum(second < 3600 for second in falls)
    last_hour = sum(second >= 3 * 3600 for second in falls)
    assert first_hour <= 8
    assert last_hour <= 4
    assert sum(fps == 2.5 for fps in rates) > 0.9 * len(rates)


def test_a_rate_at_or_below_the_floor_is_never_lowered() -> None:
    for configured in (0.5, 1.25, 2.4):
        rate = AdaptiveRate(configured, 1.25, PATIENCE_S)
        assert set(run(rate, 60, lambda _: LoadSample(9.0, decided=1))) == {configured}


@given(
    st.lists(st.tuples(st.floats(0, 100), st.integers(0, 99)), max_size=200), st.floats(0.1, 120), st.floats(1.01, 30)
)
def test_whatever_it_sees_it_stays_between_floor_and_configured_rate(
    looks: list[tuple[float, int]], configured: float, floor: float
) -> None:
    rate = AdaptiveRate(configured, floor, PATIENCE_S)
    for second, (waiting_s, decided) in enumerate(looks):
        rate.observe(LoadSample(waiting_s, decided), float(second))
        assert min(configured, floor) <= rate.fps <= configured
