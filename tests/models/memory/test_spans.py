"""Spans of time on stretches: which frames are in them, and which must not be learnt."""

from __future__ import annotations

import numpy as np
from stretches import START_MS, some_stretch

from models.memory.spans import frames_within, learning, overlaps, rejecting, within
from models.memory.stretches.stretch import Exclusion


def test_both_ends_are_included() -> None:
    stretch = some_stretch(frames=20, fps=5.0)
    assert np.flatnonzero(within(stretch, [(START_MS + 400, START_MS + 1000)])).tolist() == [2, 3, 4, 5]
    assert not within(stretch, []).any()
    assert not within(stretch, [(START_MS + 401, START_MS + 599)]).any()


def test_spans_overlap_where_they_share_a_moment() -> None:
    assert overlaps(10, 20, [(0, 5), (20, 30)])
    assert not overlaps(10, 20, [(0, 9), (21, 30)])


def test_frames_come_in_float32_without_those_that_were_rejected() -> None:
    stretch = some_stretch(frames=20, fps=5.0)
    frames = list(frames_within(stretch, [(START_MS, START_MS + 1999)], [(START_MS + 1000, START_MS + 1999)]))
    assert len(frames) == 5
    assert {part.vectors.dtype for frame in frames for part in frame} == {np.dtype(np.float32)}
    assert frames[0][0] is frames[1][0], "a sample that two frames share is looked at once"


def test_what_alarmed_may_be_learnt_within_the_spans_of_a_lasting_change_and_nothing_else() -> None:
    marks = [Exclusion.ALERT, Exclusion.ALERT | Exclusion.HIGH, Exclusion.ALERT | Exclusion.CONDITION, Exclusion.ADDED]
    stretch = some_stretch(frames=20, fps=5.0, excluded=[*marks, *[Exclusion.ALERT] * 16])
    learnt = learning(stretch, [(START_MS, START_MS + 999)])
    assert np.flatnonzero(learnt.learnable).tolist() == [0, 1, 4], "not what was covered, or only additions kept quiet"
    assert not rejecting(learnt, [(START_MS, START_MS + 999)]).learnable.any(), "an operator's word is stronger"
    assert learning(stretch, [(0, 1)]) is stretch


def test_rejected_frames_may_not_be_learnt() -> None:
    stretch = some_stretch(frames=20, fps=5.0)
    marked = rejecting(stretch, [(START_MS, START_MS + 799)])
    assert np.flatnonzero(~marked.learnable).tolist() == [0, 1, 2, 3]
    assert set(marked.excluded.tolist()) == {0, int(Exclusion.REJECTED)}
    assert rejecting(stretch, [(0, 1)]) is stretch
