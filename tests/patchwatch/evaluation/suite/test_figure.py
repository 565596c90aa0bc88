"""The figures of a scene: as those of one evaluation, on any choice of its clips."""

from __future__ import annotations

import numpy as np
import pytest
from sample_suite import BUDGET, clip, noisy_clips

from patchwatch.evaluation.statistics.bootstrap import ClipBootstrap
from patchwatch.evaluation.statistics.metrics import average_precision, macro_auroc, micro_auroc
from patchwatch.evaluation.statistics.region_criterion import RegionTally
from patchwatch.evaluation.suite.clip_tally import ClipTally
from patchwatch.evaluation.suite.figure import NORMAL_ABOVE, Figure, SceneTally, figures
from patchwatch.evaluation.suite.resampling import interval, measured, resampled


def figure(name: str) -> Figure:
    return next(figure for figure in figures([BUDGET]) if figure.name == name)


def value(name: str, *clips: ClipTally) -> float | None:
    return measured(figure(name), SceneTally(clips))


def frames(clips: list[ClipTally]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Scores and truth of each clip's own frames."""
    scores = [
        np.repeat(np.array(clip.scores), [*map(sum, zip(clip.anomalous, clip.normal, strict=True))]) for clip in clips
    ]
    truths = [np.concatenate([np.ones(clip.frames[0], bool), np.zeros(clip.frames[1], bool)]) for clip in clips]
    return scores, truths


def test_areas_are_those_of_the_metrics() -> None:
    clips = noisy_clips(5, 0.7)
    rounded = [ClipTally(**{**vars(one), "scores": tuple(np.round(one.scores, 1))}) for one in clips]  # with ties
    for tallies in (clips, rounded):
        scores, truths = frames(tallies)
        assert value("micro AUROC", *tallies) == pytest.approx(micro_auroc(scores, truths))
        assert value("macro AUROC", *tallies) == pytest.approx(macro_auroc(scores, truths))
        expected = average_precision(np.concatenate(scores), np.concatenate(truths))
        assert value("AUPR", *tallies) == pytest.approx(expected)


def test_intervals_are_those_of_the_bootstrap_of_one_evaluation() -> None:
    clips = noisy_clips(6, 0.5)
    bootstrap = ClipBootstrap(*frames(clips))
    for name, expected in (("micro AUROC", bootstrap.micro()), ("macro AUROC", bootstrap.macro())):
        assert interval(resampled(figure(name), SceneTally(tuple(clips))), 6) == pytest.approx(expected)


@pytest.mark.parametrize("name", [figure.name for figure in figures([BUDGET])])
def test_a_clip_that_counts_twice_is_as_two_clips(name: str) -> None:
    found = RegionTally(3, (0.9, None), (0.9,), (0.4,))
    one = clip("a", anomalous=(0.9, 0.2), normal=(0.5, 0.1), events=(2, 3), false_alarms=1, above=1,
               delays_s=(0.4, 2.0), in_time=1, regions=found)  # fmt: skip
    other = clip("b", anomalous=(0.3,), normal=(0.4, 0.6), events=(1, 2), false_alarms=2, delays_s=(5.0,), in_time=0,
                 regions=RegionTally(3, (0.1,), (0.1,), (0.8, 0.2)))  # fmt: skip
    twice = figure(name).measure(SceneTally((one, other)), np.array([[2.0, 1.0]]))[0]
    assert twice == pytest.approx(value(name, one, one, other))


def test_events_false_alarms_and_delays_of_all_clips_are_added_up() -> None:
    one = clip("a", anomalous=(0.9,), events=(2, 3), delays_s=(1.0, 4.0), in_time=1)
    calm = clip("b", normal=(0.1, 0.2, 0.3, 0.4), false_alarms=3, above=1, events=(0, 0), in_time=0)
    assert value(f"event recall at {BUDGET}", one, calm) == pytest.approx(2 / 3)
    assert value(f"events in time at {BUDGET}", one, calm) == pytest.approx(1 / 3)
    assert value(f"false alarms per hour at {BUDGET}", one, calm) == pytest.approx(3 / (60 / 3600))
    assert value(f"delay, median s, at {BUDGET}", one, calm) == pytest.approx(2.5)
    assert value(f"delay, 90th percentile s, at {BUDGET}", one, calm) == pytest.approx(3.7)
    assert value(NORMAL_ABOVE, one, calm) == pytest.approx(0.25)


def test_what_is_not_defined_has_no_value() -> None:
    calm, wild = clip("a", normal=(0.1, 0.2)), clip("b", anomalous=(0.3,))
    assert value("micro AUROC", calm) is None
    assert value("AUPR", calm) is None
    assert value(f"event recall at {BUDGET}", calm) is None
    assert value(f"events in time at {BUDGET}", wild) is None  # the scene has no limit
    assert value(f"delay, median s, at {BUDGET}", wild) is None
    assert value(NORMAL_ABOVE, wild) is None
    assert value("RBDC", wild) is None
    assert value("macro AUROC", calm, wild) is None  # each clip holds one class
    assert value("micro AUROC", calm, wild) == 1.0


def test_one_clip_that_holds_what_counts_tells_nothing_of_others() -> None:
    clips = (clip("a", normal=(0.1, 0.2)), clip("b", anomalous=(0.3,), normal=(0.1,)), clip("c", normal=(0.5,)))
    assert figure("micro AUROC").units(SceneTally(clips)) == 1
    assert figure("macro AUROC").units(SceneTally(clips)) == 1
    assert figure(NORMAL_ABOVE).units(SceneTally(clips)) == 3
    assert figure("RBDC").units(SceneTally(clips)) == 0
