"""Which differences between two suites are more than the noise of their clips."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sample_suite import BUDGET, clip, noisy_clips, of_profiles, scene, suite

from patchwatch.evaluation.suite.comparison import POOLED, Difference, Verdict, compare_suites, scene_difference
from patchwatch.evaluation.suite.comparison_table import comparison_lines
from patchwatch.evaluation.suite.figure import NORMAL_ABOVE, RANKING, figures
from patchwatch.evaluation.suite.scene_result import SceneResult
from patchwatch.evaluation.suite.suite_file import Role
from patchwatch.evaluation.suite.suite_report import SuiteReport


def differences(before: SuiteReport, after: SuiteReport) -> dict[tuple[str, str], Difference]:
    return {(one.scene, one.figure): one for one in compare_suites(before, after).differences}


def scenes(shift: float) -> SuiteReport:
    return suite(*(scene(name, noisy_clips(8, shift, seed)) for seed, name in enumerate(("a", "b", "c"))))


def test_of_the_same_suite_twice_no_difference_is_claimed() -> None:
    found = differences(scenes(0.5), scenes(0.5))
    assert {one.verdict for one in found.values()} == {Verdict.SAME}
    assert "0 of " in list(comparison_lines(compare_suites(scenes(0.5), scenes(0.5))))[-1]


def test_a_large_shift_is_claimed_in_each_scene_and_over_them() -> None:
    found = differences(scenes(0.3), scenes(2.0))
    for place in ("a", "b", "c", POOLED):
        assert found[place, RANKING].verdict is Verdict.BETTER
        assert found[place, RANKING].change > 0.2
    back = differences(scenes(2.0), scenes(0.3))
    assert back["a", RANKING].verdict is Verdict.WORSE
    assert back[POOLED, RANKING].units == 3


def test_what_chance_explains_is_within_noise_and_not_called_better_or_worse() -> None:
    """Other clips of the same kind: seeds differ, the shift does not."""
    before = suite(scene("a", noisy_clips(8, 0.5, seed=1)))
    after = suite(scene("a", noisy_clips(8, 0.5, seed=5)))
    one = differences(before, after)["a", RANKING]
    assert one.change != 0
    assert one.verdict is Verdict.WITHIN_NOISE
    lines = "\n".join(comparison_lines(compare_suites(before, after)))
    assert "within noise" in lines
    assert "better" not in lines
    assert "worse" not in lines


def test_noise_that_is_not_there_is_claimed_once_in_twenty_times() -> None:
    claimed = 0
    for seed in range(100):
        before, after = (
            SceneResult("a", Role.DESIGN, clips=tuple(noisy_clips(6, 0.5, n))) for n in (seed, 1000 + seed)
        )
        ranking = next(iter(figures([])))
        difference = scene_difference("motion", ranking, (before, after))
        assert difference is not None
        claimed += difference.claimed
    assert claimed <= 8


def test_fewer_false_alarms_are_better() -> None:
    before, after = (
        suite(scene("a", [clip(f"{n}", normal=(0.1,) * 10, false_alarms=number, above=number) for n in range(6)]))
        for number in (4, 1)
    )
    found = differences(before, after)
    assert found["a", f"false alarms per hour at {BUDGET}"].verdict is Verdict.BETTER
    assert found["a", NORMAL_ABOVE].verdict is Verdict.BETTER
    assert differences(after, before)["a", NORMAL_ABOVE].verdict is Verdict.WORSE


def test_one_event_more_in_one_clip_is_within_noise() -> None:
    before, after = (
        suite(scene("a", [clip(f"{n}", anomalous=(0.5,), events=(int(n < found), 1)) for n in range(8)]))
        for found in (3, 4)
    )
    assert differences(before, after)["a", f"event recall at {BUDGET}"].verdict is Verdict.WITHIN_NOISE


@pytest.mark.parametrize("clips", [1, 4])
def test_of_few_clips_the_noise_is_unknown(clips: int) -> None:
    before, after = (suite(scene("a", noisy_clips(clips, shift))) for shift in (0.0, 3.0))
    one = differences(before, after)["a", RANKING]
    assert (one.verdict, one.interval, one.units) == (Verdict.UNKNOWN, None, clips)
    assert differences(before, before)["a", RANKING].verdict is Verdict.SAME


def test_one_clip_that_counts_among_many_tells_no_noise_either() -> None:
    calm = [clip(f"{n}", normal=(0.1, 0.2)) for n in range(10)]
    before, after = (suite(scene("a", [*calm, clip("x", anomalous=(score,), normal=(0.5,))])) for score in (0.4, 0.9))
    assert differences(before, after)["a", "macro AUROC"].verdict is Verdict.UNKNOWN


def test_what_changed_in_one_scene_of_several_is_not_claimed_over_them() -> None:
    steady = [scene(name, noisy_clips(8, 0.5, seed)) for seed, name in enumerate(("b", "c", "d"))]
    before, after = (suite(scene("a", noisy_clips(8, shift, seed=9)), *steady) for shift in (0.3, 3.0))
    found = differences(before, after)
    assert found["a", RANKING].verdict is Verdict.BETTER
    assert found["b", RANKING].verdict is Verdict.SAME
    assert found[POOLED, RANKING].verdict is Verdict.WITHIN_NOISE


def test_only_the_same_clips_are_compared() -> None:
    failed = SceneResult("dark", Role.HELD_OUT, failed="too little")
    before = suite(scene("a", noisy_clips(4, 1.0)), scene("b", noisy_clips(4, 1.0)), failed)
    after = suite(scene("a", noisy_clips(5, 1.0)), scene("c", noisy_clips(4, 1.0)), failed)
    comparison = compare_suites(before, after)
    assert comparison.differences == ()
    assert sorted(comparison.not_compared) == [
        "motion, scene a: its testing clips or labels are not the same",
        "motion, scene b: only in the first report",
        "motion, scene c: only in the second report",
        "motion, scene dark: not measured in the first report: too little",
    ]


def test_profiles_of_one_report_alone_and_settings_are_named() -> None:
    before = scenes(0.5)
    other = replace(before.profiles[0], profile="objects")
    after = replace(of_profiles(other), settings=replace(before.settings, analysis_fps=10.0))
    comparison = compare_suites(before, after)
    assert comparison.not_compared == (
        "profile motion: only in the first report", "profile objects: only in the second report",
    )  # fmt: skip
    assert [(one.name, one.before, one.after) for one in comparison.settings] == [("analysis_fps", "5.0", "10.0")]


def test_json_holds_every_difference() -> None:
    comparison = compare_suites(scenes(0.3), scenes(2.0))
    tree = comparison.as_json()["differences"]
    assert isinstance(tree, list)
    assert len(tree) == len(comparison.differences)
    assert tree[0]["scene"] == POOLED
    assert tree[0]["change"] == pytest.approx(comparison.differences[0].change)
