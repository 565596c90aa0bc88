"""Areas and average precision, against values worked out by hand and slow definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchwatch.evaluation.statistics.metrics import auroc, average_precision, macro_auroc, micro_auroc, roc_points


def _area(scores: list[float], truth: list[int]) -> float | None:
    return auroc(np.array(scores, float), np.array(truth, bool))


def test_values_calculated_independently() -> None:
    assert _area([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]) == 1.0
    assert _area([0.8, 0.9, 0.1, 0.2], [0, 0, 1, 1]) == 0.0
    assert _area([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]) == 0.75  # three of four pairs in order


def test_ties_count_half() -> None:
    assert _area([0.5, 0.5, 0.5], [0, 1, 0]) == 0.5
    assert _area([0.1, 0.5, 0.5, 0.9], [0, 0, 1, 1]) == 0.875


def test_one_class_alone_has_no_area() -> None:
    assert _area([0.1, 0.2], [1, 1]) is None
    assert _area([0.1, 0.2], [0, 0]) is None


def test_micro_asks_for_one_threshold_and_macro_does_not() -> None:
    scores = [np.array([0.1, 0.2]), np.array([0.8, 0.9]), np.array([0.5, 0.6])]
    truths = [np.array([False, True])] * 2 + [np.array([True, True])]
    assert macro_auroc(scores, truths) == 1.0  # the third clip holds one class and does not count
    assert micro_auroc(scores, truths) == pytest.approx(5 / 8)  # normal .1 below all four, .8 below one


def test_no_clip_with_both_classes_has_no_macro_area() -> None:
    assert macro_auroc([np.array([0.1])], [np.array([True])]) is None


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        _area([0.1, float("nan")], [0, 1])


def test_scores_and_labels_must_be_of_one_length() -> None:
    with pytest.raises(ValueError, match="labels"):
        _area([0.1, 0.2, 0.3], [0, 1])


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=40))
def test_the_area_is_the_share_of_pairs_in_order(rows: list[tuple[int, bool]]) -> None:
    high = [score for score, anomalous in rows if anomalous]
    low = [score for score, anomalous in rows if not anomalous]
    result = _area([float(score) for score, _ in rows], [int(anomalous) for _, anomalous in rows])
    if not high or not low:
        assert result is None
    else:
        pairs = [(a > b) + 0.5 * (a == b) for a in high for b in low]
        assert result == pytest.approx(sum(pairs) / len(pairs))


Rows = list[tuple[int, bool]]
ROWS = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=40)


def _columns(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    return np.array([float(score) for score, _ in rows]), np.array([anomalous for _, anomalous in rows])


@given(ROWS)
def test_average_precision_is_precision_over_the_steps_of_recall(rows: Rows) -> None:
    scores, truth = _columns(rows)
    result = average_precision(scores, truth)
    if not truth.any():
        assert result is None
        return
    area, before = 0.0, 0.0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        alarmed = scores >= threshold
        recall = (alarmed & truth).sum() / truth.sum()
        area += (recall - before) * (alarmed & truth).sum() / alarmed.sum()
        before = recall
    assert result == pytest.approx(area)


def test_average_precision_of_a_perfect_and_of_a_flat_score() -> None:
    truth = np.array([False, False, True, True])
    assert average_precision(np.array([0.1, 0.2, 0.8, 0.9]), truth) == 1.0
    assert average_precision(np.zeros(4), truth) == 0.5


@given(ROWS)
def test_the_area_under_the_points_is_the_area(rows: Rows) -> None:
    scores, truth = _columns(rows)
    points = roc_points(scores, truth)
    area = auroc(scores, truth)
    if area is None:
        assert points == []
        return
    assert points[0] == (0.0, 0.0)
    assert points[-1] == (1.0, 1.0)
    across, up = np.array(points).T
    assert np.trapezoid(up, across) == pytest.approx(area)


def test_a_long_curve_is_thinned_and_keeps_its_shape() -> None:
    generator = np.random.default_rng(0)
    truth = generator.random(5000) < 0.3
    scores = generator.normal(size=5000) + truth
    points = roc_points(scores, truth)
    assert 100 < len(points) <= 200
    assert (points[0], points[-1]) == ((0.0, 0.0), (1.0, 1.0))
    across, up = np.array(points).T
    assert (np.diff(across) >= 0).all()
    assert (np.diff(up) >= 0).all()
    assert np.trapezoid(up, across) == pytest.approx(auroc(scores, truth), abs=0.002)
