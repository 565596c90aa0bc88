"""What operators are told of a threshold is what the bank says, rounded."""

from __future__ import annotations

import pytest
from simulated_scores import simulated_run

from models.alarms.alarm_threshold import ThresholdModel
from patchwatch.cli.threshold_text import budget, spread, threshold_lines
from workers.analysis.threshold_message import BUDGETS_PER_DAY, curve_of, to_message


@pytest.fixture(scope="module")
def model() -> ThresholdModel:
    return ThresholdModel.fit([simulated_run("exponential", 900.0, 1)])


def test_a_curve_rises_as_budgets_fall(model: ThresholdModel) -> None:
    curve = curve_of(model)
    assert [one.false_alarms_per_day for one in curve] == pytest.approx(BUDGETS_PER_DAY, abs=1e-4)
    levels = [one.on for one in curve]
    assert levels == sorted(levels)
    assert [one.supported for one in curve] == [True, True, True, False, False]


def test_a_threshold_is_reported_in_one_line(model: ThresholdModel) -> None:
    result = to_message(model.at(24.0))
    [line] = threshold_lines(result)
    assert line.startswith(
        f"an alert opens above a score of {result.on:.3f} and closes below {result.off:.3f}: about 24 ("
    )
    assert line.endswith(" false alarms a day, from 15.0 min of footage")
    assert budget(result) == "24"
    assert spread(result) in line


def test_too_little_footage_is_reported_in_a_second_line(model: ThresholdModel) -> None:
    _, warning = threshold_lines(to_message(model.at(1.0)))
    assert warning.startswith("WARNING: learn from at least 48 min: 15 min of normal footage")
