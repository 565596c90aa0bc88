"""Anomalous frame ranges, however they were written down."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.labels.labels import FrameRange, Labels, named_by_number, ranges_of

HERE = Path("labels")


def _labels(**clips: list[tuple[int, int]]) -> Labels:
    return Labels(HERE, {name: tuple(FrameRange(*pair) for pair in pairs) for name, pairs in clips.items()})


def test_ranges_count_from_one_and_include_both_ends() -> None:
    labels = _labels(a=[(2, 3), (5, 5)])
    assert labels.truth("a", 6).tolist() == [False, True, True, False, True, False]


def test_a_clip_without_ranges_is_normal_and_a_whole_clip_may_be_anomalous() -> None:
    labels = _labels(calm=[], wild=[(1, 4)])
    assert not labels.truth("calm", 4).any()
    assert labels.truth("wild", 4).all()


def test_a_range_beyond_the_clip_is_refused() -> None:
    with pytest.raises(RejectedError, match=r"'a' is labelled up to frame 7 but has 6 frames"):
        _labels(a=[(2, 7)]).truth("a", 6)


def test_labels_of_a_clip_of_other_length_are_refused() -> None:
    labels = Labels.from_truths(HERE, {"a": np.zeros(5, np.bool_)}, "avenue")
    assert labels.truth("a", 5).tolist() == [False] * 5
    with pytest.raises(RejectedError, match="'a' is labelled with 5 frames but has 6"):
        labels.truth("a", 6)


@given(st.lists(st.booleans(), max_size=30))
def test_ranges_of_a_truth_give_it_back(flags: list[bool]) -> None:
    truth = np.array(flags, np.bool_)
    labels = Labels.from_truths(HERE, {"a": truth}, "avenue")
    assert labels.truth("a", len(flags)).tolist() == flags
    ranges = ranges_of(truth)
    assert all(later.first - earlier.last > 1 for earlier, later in pairwise(ranges))


def test_the_clips_must_be_those_that_are_labelled() -> None:
    labels = _labels(a=[], b=[])
    labels.check(["b", "a"], HERE)
    with pytest.raises(RejectedError, match="labels clips that are not in labels: b"):
        labels.check(["a"], HERE)
    with pytest.raises(RejectedError, match="nothing of 1 of the 3 testing clips: c"):
        labels.check(["a", "b", "c"], HERE)


def test_numbers_match_whatever_their_zeros() -> None:
    flags = np.ones(2, np.bool_)
    result = named_by_number({"1": flags, "12": flags, "x": flags}, ["01", "12", "y"], HERE)
    assert list(result) == ["01", "12", "x"]


def test_one_number_for_two_clips_is_refused() -> None:
    with pytest.raises(RejectedError, match="1 and 01 have one number"):
        named_by_number({}, ["1", "01"], HERE)


def test_two_names_for_one_clip_are_refused_and_odd_digits_are_names() -> None:
    flags = np.zeros(3, np.bool_)
    with pytest.raises(RejectedError, match="clip 01 is labelled twice, once as"):
        named_by_number({"1": flags, "01": flags}, ["01"], HERE)
    assert list(named_by_number({"5²": flags}, ["²", "05"], HERE)) == ["5²"]
