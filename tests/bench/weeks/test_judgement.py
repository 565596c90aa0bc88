"""Alerts held against the script of a simulated week, and the counts that are made of them."""

from __future__ import annotations

import pytest
from scipy.stats import binom
from scipy.stats import poisson as poisson_law

from bench.weeks.judgement import Raised, Truth, judge
from bench.weeks.life import DAY_S, Happening, Kind, Visit
from bench.weeks.statistics import poisson, proportion
from bench.weeks.summary import summary

FALL = Happening(Kind.FALL, DAY_S + 1000, DAY_S + 1014, 1)
CLEANER = Happening(Kind.CLEANER, 5000, 5020)
RAIN = Happening(Kind.RAIN, DAY_S + 3000, DAY_S + 9000)
SHELF = Happening(Kind.SHELF, 8000, 9 * DAY_S)
LOOKS = [Visit(6000, 6006), Visit(8100, 8106), Visit(DAY_S + 4000, DAY_S + 4006), Visit(2 * DAY_S + 8, 2 * DAY_S + 14)]
NEW = {"open_before": False}


def truth(dark: bool = False) -> Truth:
    return Truth([CLEANER, SHELF, FALL, RAIN], [Visit(0, 200), *LOOKS], lambda at_s: dark)


def alert(at_s: float, lasts_s: float = 2.0) -> Raised:
    return Raised(at_s, at_s + 0.4, at_s + lasts_s)


@pytest.mark.parametrize(
    ("at_s", "dark", "cause"),
    [
        (100.0, False, "beginning"),
        (5004.0, True, "cleaner"),
        (6001.0, True, "infrared"),
        (6001.0, False, "ordinary"),
        (8101.0, False, "shelf"),
        (DAY_S + 1004, False, "fall"),
        (DAY_S + 4001, False, "rain"),
        (2 * DAY_S + 9, False, "ordinary"),  # the shelf is a day old
    ],
)
def test_an_alert_is_about_the_most_particular_thing_that_happened(at_s: float, dark: bool, cause: str) -> None:
    assert truth(dark).cause(alert(at_s)) == cause


def test_a_day_counts_false_alarms_and_looks_in_alarm_and_an_anomaly_its_delay() -> None:
    judged = judge(truth(), [alert(5004), alert(8101), alert(DAY_S + 1003), alert(DAY_S + 1010)], 3)
    first, second, third = judged["days"]
    assert first["false_alarms"] == {"cleaner": 1, "shelf": 1}
    assert (first["looks"], first["looks_in_alarm"]) == (2, 1)
    assert (second["false_alarms"], second["looks"]) == ({}, 1)
    assert third["seen_s"] == 6
    assert judged["anomalies"] == [{"kind": "fall", "day": 2, "dark": False, "found": True, "delay_s": 3.4} | NEW]
    assert judged["cleaner_nights"] == [1]
    [missed] = judge(truth(dark=True), [], 3)["anomalies"]
    assert missed == {"kind": "fall", "day": 2, "dark": True, "found": False, "delay_s": None} | NEW


def test_an_alert_that_was_open_before_an_anomaly_has_not_found_it_and_is_a_false_alarm() -> None:
    judged = judge(truth(), [alert(DAY_S + 900, 300)], 2)
    [fall] = judged["anomalies"]
    assert (fall["found"], fall["delay_s"], fall["open_before"]) == (False, None, True)
    assert judged["days"][1]["false_alarms"] == {"shelf": 1}
    assert truth().shows_anomaly(alert(DAY_S + 900, 300))
    assert not truth().shows_anomaly(alert(DAY_S + 900))


@pytest.mark.parametrize(
    ("raised_s", "delay_s"), [((950.0,), None), ((950.0, 1006.0, 1009.0), 6.0), ((1019.9,), 19.9), ((1021.0,), None)]
)
def test_an_alert_that_was_open_before_has_found_an_anomaly_where_it_rises_in_it(
    raised_s: tuple[float, ...], delay_s: float | None
) -> None:
    since = Raised(DAY_S + 900, DAY_S + 901, DAY_S + 1200, tuple(DAY_S + at_s for at_s in raised_s))
    [fall] = judge(truth(), [since], 2)["anomalies"]
    assert (fall["found"], fall["delay_s"], fall["open_before"]) == (delay_s is not None, delay_s, True)


@pytest.mark.parametrize("count", [0, 1, 4, 30])
def test_a_poisson_interval_leaves_a_twentieth_on_each_side(count: int) -> None:
    _, low, high = poisson(count)
    assert poisson_law(high).cdf(count) == pytest.approx(0.05)
    assert low == 0 if count == 0 else poisson_law(low).sf(count - 1) == pytest.approx(0.05)


@pytest.mark.parametrize(("count", "of"), [(0, 9), (3, 9), (9, 9), (0, 0)])
def test_the_interval_of_a_share_leaves_a_twentieth_on_each_side(count: int, of: int) -> None:
    _, low, high = proportion(count, of)
    assert high == 1.0 if count == of else binom(of, high).cdf(count) == pytest.approx(0.05)
    assert low == 0.0 if count == 0 else binom(of, low).sf(count - 1) == pytest.approx(0.05)


def test_cameras_are_summed_by_day_and_kind() -> None:
    way = judge(truth(), [alert(5004), alert(DAY_S + 1003)], 2) | {
        "scored_after_s": 60.0, "armed_after_s": None, "megabytes": {"memory": 2.0, "banks": 5.0}, "ms_a_frame": 9.0,
        "learning_s": 30.0,
    }  # fmt: skip
    found = summary([{"ways": {"self-arming": way}}, {"ways": {"self-arming": way}}])["self-arming"]
    assert found["cameras"] == 2
    assert [day["a_camera"] for day in found["days"]] == [1.0, 0.0]
    assert found["days"][0]["cleaner"] == found["days"][0]["cleaner_came"] == 2
    assert found["recall"]["fall"]["found"] == found["all_anomalies"]["of"] == 2
    assert (found["armed"], found["armed_after_h"]) == (0, None)
