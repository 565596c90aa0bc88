"""Figures over scenes."""

from __future__ import annotations

import pytest
from sample_suite import BUDGET, clip, noisy_clips, scene

from patchwatch.evaluation.suite.cells import worst_sentence
from patchwatch.evaluation.suite.figure import NORMAL_ABOVE, RANKING
from patchwatch.evaluation.suite.pooling import pools
from patchwatch.evaluation.suite.scene_result import FalseAlarmCheck, SceneResult, worst_first
from patchwatch.evaluation.suite.suite_file import Role
from patchwatch.evaluation.suite.suite_runner import suite_profile

GOOD = scene("good", noisy_clips(6, 3.0), Role.DESIGN)
POOR = scene("poor", noisy_clips(6, 0.3, seed=2))
FAIR = scene("fair", noisy_clips(6, 1.0, seed=3))
CALM = scene("calm", [clip("01", normal=(0.1,) * 10, above=1)])
NOISY = scene("noisy", [clip("01", normal=(0.1,) * 10, above=6)])
FAILED = SceneResult("dark", Role.HELD_OUT, failed="too little footage")


def test_the_worst_scene_comes_first_and_normal_ones_last() -> None:
    ordered = worst_first([CALM, GOOD, FAIR, NOISY, POOR, FAILED])
    assert [one.scene for one in ordered] == ["dark", "poor", "fair", "good", "noisy", "calm"]


def test_the_sentence_names_the_worst_scene_and_the_strangest_normal_footage() -> None:
    profile = suite_profile("motion", [CALM, GOOD, NOISY, POOR, FAILED])
    value = POOR.figure(RANKING).value
    assert worst_sentence(profile) == (
        f"dark could not be measured; worst is poor (held-out): micro AUROC {value:.3f}; "
        "normal footage looks strangest in noisy (held-out): normal frames above 99 % 60 %"
    )


def test_held_out_scenes_design_and_all_are_pooled_each_by_itself() -> None:
    held_out, design, everything = pools([GOOD, POOR, FAIR, CALM, FAILED])
    assert (held_out.role, held_out.scenes) == (Role.HELD_OUT, ("poor", "fair", "calm"))
    assert (design.role, design.scenes) == (Role.DESIGN, ("good",))
    assert (everything.role, everything.scenes) == (None, ("good", "poor", "fair", "calm"))


def test_a_mean_is_over_the_scenes_that_have_the_figure_and_names_the_worst() -> None:
    _, _, pool = pools([GOOD, POOR, FAIR, CALM])
    values = [one.figure(RANKING).value or 0.0 for one in (GOOD, POOR, FAIR)]
    ranking, above = pool.figure(RANKING), pool.figure(NORMAL_ABOVE)
    assert ranking is not None
    assert above is not None
    assert (ranking.scenes, ranking.worst, ranking.worst_value) == (3, "poor", min(values))
    assert ranking.mean == pytest.approx(sum(values) / 3)
    assert ranking.interval is not None
    assert ranking.interval[0] < ranking.mean < ranking.interval[1]
    assert (above.scenes, above.worst) == (4, "calm")  # the highest is the worst
    assert above.mean == pytest.approx(0.1 / 4)


def test_an_interval_over_scenes_is_wider_than_the_clips_alone_would_make_it() -> None:
    """Scenes differ more than their clips: nothing but other scenes can narrow the interval."""
    (pool,) = pools([scene(f"s{n}", noisy_clips(6, shift, seed=n)) for n, shift in enumerate((0.0, 0.0, 4.0, 4.0))])
    ranking = pool.figure(RANKING)
    assert ranking is not None
    assert ranking.interval is not None
    assert ranking.interval[0] < 0.6
    assert ranking.interval[1] > 0.9


def test_normal_footage_of_all_scenes_is_checked_together() -> None:
    """One false alarm where a fifth of one is expected is chance; in each of six scenes it is not."""
    one = FalseAlarmCheck(BUDGET, 4, 1, 0.5, 1, (0.1, 0.2), within=True)
    scenes = [scene(f"s{n}", [clip("1", normal=(0.1,))], check=one) for n in range(6)]
    together = pools([*scenes, CALM])[0].check(BUDGET)
    assert together is not None
    assert (together.held_out_clips, together.normal_clips, together.false_alarms) == (24, 6, 6)
    assert together.hours == pytest.approx(3.0)
    assert together.expected == pytest.approx((0.6, 1.2))
    assert not together.within
    assert pools([CALM])[0].check(BUDGET) is None


def test_scenes_of_one_role_are_pooled_once_and_one_scene_has_no_interval() -> None:
    (pool,) = pools([POOR])
    ranking = pool.figure(RANKING)
    assert ranking is not None
    assert (pool.role, ranking.scenes, ranking.interval) == (Role.HELD_OUT, 1, None)
    assert pools([FAILED]) == ()
