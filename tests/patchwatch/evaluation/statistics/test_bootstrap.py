"""Intervals of areas by drawing clips again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchwatch.evaluation.statistics.bootstrap import ClipBootstrap
from patchwatch.evaluation.statistics.metrics import macro_auroc, micro_auroc

CLIPS = st.lists(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=8), min_size=2, max_size=5)


def _columns(clips: list[list[tuple[int, bool]]]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    scores = [np.array([float(score) for score, _ in clip]) for clip in clips]
    return scores, [np.array([anomalous for _, anomalous in clip]) for clip in clips]


@settings(max_examples=25)
@given(CLIPS)
def test_a_resample_has_the_areas_of_the_clips_it_drew(clips: list[list[tuple[int, bool]]]) -> None:
    """The quick way by counted pairs against computing each resample's areas again."""
    scores, truths = _columns(clips)
    bootstrap = ClipBootstrap(scores, truths, resamples=20)
    micro, macro = [], []
    drawn = np.random.default_rng(0).multinomial(len(clips), np.full(len(clips), 1 / len(clips)), 20)
    for counts in drawn:
        chosen = np.repeat(np.arange(len(clips)), counts)
        some = [scores[n] for n in chosen], [truths[n] for n in chosen]
        micro.append(micro_auroc(*some))
        macro.append(macro_auroc(*some))
    for result, slow, enough in (
        (bootstrap.micro(), micro, True),
        (bootstrap.macro(), macro, sum(0 < truth.sum() < len(truth) for truth in truths) > 1),
    ):
        defined = [area for area in slow if area is not None]
        if not defined or not enough:
            assert result is None
        else:
            assert result == pytest.approx(tuple(np.percentile(defined, [2.5, 97.5])))


def test_an_interval_holds_its_area_and_narrows_with_more_clips() -> None:
    generator = np.random.default_rng(3)
    truths = [generator.random(60) < 0.5 for _ in range(64)]
    scores = [generator.normal(size=60) + truth for truth in truths]
    widths = []
    for count in (8, 64):
        low, high = ClipBootstrap(scores[:count], truths[:count]).micro() or (0.0, 0.0)
        area = micro_auroc(scores[:count], truths[:count])
        assert area is not None
        assert low < area < high
        widths.append(high - low)
    assert widths[1] < 0.6 * widths[0]


def test_it_is_the_same_each_time() -> None:
    scores, truths = _columns([[(0, False), (3, True)], [(2, False), (1, True)], [(1, True)]])
    assert ClipBootstrap(scores, truths).micro() == ClipBootstrap(scores, truths).micro()


def test_one_clip_has_no_interval() -> None:
    scores, truths = _columns([[(0, False), (3, True)]])
    assert ClipBootstrap(scores, truths).micro() is None
    assert ClipBootstrap(scores, truths).macro() is None
