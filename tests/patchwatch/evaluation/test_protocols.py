"""Scores for every frame of a clip from those that were analysed."""

from __future__ import annotations

import numpy as np
import pytest

from models.profiles.profile import Fusion
from patchwatch.evaluation.evaluation import Dataset, ProfileRun
from patchwatch.evaluation.protocols import FrameScores, analysed_positions, frame_scores, hold_last, measure_protocols


def test_frames_between_analysed_ones_hold_the_last_score() -> None:
    times_s = np.arange(7) / 10
    profile_run = hold_last(times_s, np.array([0.0, 0.2, 0.4]), np.array([1.0, 2.0, 3.0]))
    assert profile_run.tolist() == [1, 1, 2, 2, 3, 3, 3]


def test_no_frame_may_be_earlier_than_the_first_analysed_one() -> None:
    with pytest.raises(ValueError, match="earlier than the first analysed one"):
        hold_last(np.array([0.0, 0.1]), np.array([0.1]), np.array([1.0]))


def test_analysed_frames_are_found_among_all() -> None:
    assert analysed_positions(np.arange(6) / 10, np.array([0.0, 0.2 - 1e-9, 0.4])).tolist() == [0, 2, 4]


def test_service_scores_know_nothing_of_the_future_or_of_other_clips_and_the_paper_s_do(
    dataset: Dataset, profile_run: ProfileRun
) -> None:
    calm, rush = frame_scores(Fusion.CALIBRATED, profile_run.scored, dataset.testing)
    (alone,) = frame_scores(Fusion.CALIBRATED, profile_run.scored[:1], dataset.testing[:1])
    np.testing.assert_array_equal(calm.service, alone.service)
    assert np.abs(calm.paper - alone.paper).max() > 0.1
    before, onset = slice(44, 50), 50  # the last half second before the rush
    assert rush.paper[before].max() > 2 * rush.paper[20:40].max()
    assert rush.service[before].max() < 0.6 * rush.service[onset:].max()
    assert min(calm.paper.min(), rush.paper.min()) == 0.0
    assert max(calm.paper.max(), rush.paper.max()) == 1.0


@pytest.mark.parametrize("anomalous", [False, True])
def test_clips_of_one_class_alone_have_no_area(anomalous: bool) -> None:
    scores = np.array([0.1, 0.2, 0.3])
    protocols = measure_protocols([FrameScores(scores, scores, scores)] * 2, [np.full(3, anomalous)] * 2)
    for protocol in (protocols.service, protocols.unsmoothed, protocols.paper):
        assert (protocol.micro_auroc, protocol.macro_auroc) == (None, None)
        assert (protocol.micro_auroc_95, protocol.macro_auroc_95) == (None, None)
        assert protocol.roc == ()
        assert protocol.aupr == (1.0 if anomalous else None)
