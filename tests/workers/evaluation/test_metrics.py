"""Areas under the ROC curve, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.evaluation.metrics import auroc, macro_auroc, micro_auroc


def _area(scores: list[float], truth: list[int]) -> float | None:
    return auroc(np.array(scores, float), np.array(truth, bool))


def test_values_worked_out_by_hand() -> None:
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
    found = _area([float(score) for score, _ in rows], [int(anomalous) for _, anomalous in rows])
    if not high or not low:
        assert found is None
    else:
        pairs = [(a > b) + 0.5 * (a == b) for a in high for b in low]
        assert found == pytest.approx(sum(pairs) / len(pairs))
