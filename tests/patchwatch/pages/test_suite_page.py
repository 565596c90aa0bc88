"""The page of a suite."""

from __future__ import annotations

from dataclasses import replace

from sample_suite import BUDGET, clip, noisy_clips, of_profiles, scene, suite

from patchwatch.evaluation.suite.scene_result import FalseAlarmCheck, SceneResult
from patchwatch.evaluation.suite.suite_file import Role
from patchwatch.evaluation.suite.suite_report import SkippedScene
from patchwatch.evaluation.suite.suite_runner import suite_profile
from patchwatch.pages.suite_page import suite_page

HOSTILE = """<script>alert("1")</script>&'"""
OUTSIDE = FalseAlarmCheck(BUDGET, 4, 1, 0.5, 9, (0.1, 0.4), within=False)


def test_the_worst_scene_stands_first_with_its_role() -> None:
    good, poor = scene("good", noisy_clips(6, 3.0), Role.DESIGN), scene("poor", noisy_clips(6, 0.2))
    page = suite_page(suite(good, poor))
    assert "worst is poor (held-out)" in page
    assert page.index('<th scope="row">poor <span class="mark role">held-out') < page.index(
        '<th scope="row">good <span class="mark role">design'
    )
    assert page.count("<h2>") == 4


def test_what_could_not_be_measured_what_is_outside_and_what_was_left_out_is_said() -> None:
    dark = SceneResult("dark", Role.HELD_OUT, failed="too little footage")
    report = suite(dark, scene("calm", [clip("1", normal=(0.1, 0.2))], check=OUTSIDE))
    page = suite_page(replace(report, skipped=(SkippedScene("absent", Role.DESIGN),)))
    assert "dark could not be measured" in page
    assert "too little footage" in page
    assert "9 in 30.0 min (stated 0.1 to 0.4): OUTSIDE" in page
    assert "absent" in page


def test_random_weights_are_said() -> None:
    profile = suite_profile("clip", [scene("a", noisy_clips(3, 1.0))], random_weights=True)
    assert suite_page(of_profiles(profile)).count("RANDOM WEIGHTS") == 3


def test_hostile_names_are_escaped_wherever_they_stand() -> None:
    """A scene is named by whoever writes the file."""
    hostile = replace(scene(HOSTILE, noisy_clips(3, 1.0)), notes=(HOSTILE,))
    failed = SceneResult(HOSTILE + "2", Role.HELD_OUT, failed=HOSTILE)
    report = of_profiles(suite_profile(HOSTILE, [hostile, failed]))
    settings = replace(report.settings, file=HOSTILE)
    page = suite_page(replace(
        report, version=HOSTILE, commit=HOSTILE, created_at=HOSTILE, cpu=HOSTILE, settings=settings,
        skipped=(SkippedScene(HOSTILE, Role.DESIGN),),
    ))  # fmt: skip
    assert page.count("&lt;script&gt;") > 10
    assert "<script" not in page
    assert 'alert("1")' not in page
    assert not any(word in page for word in ("http:", "https:", "<link", "@import", "url("))
