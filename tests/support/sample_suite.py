"""A suite of scenes whose clips have any scores that a test wants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from patchwatch.evaluation.report.profile_result import Training
from patchwatch.evaluation.statistics.region_criterion import RegionTally
from patchwatch.evaluation.suite.clip_tally import BudgetTally, ClipTally
from patchwatch.evaluation.suite.scene_result import FalseAlarmCheck, SceneResult, SuiteProfile
from patchwatch.evaluation.suite.scene_runner import with_figures
from patchwatch.evaluation.suite.suite_file import Role
from patchwatch.evaluation.suite.suite_report import SceneEntry, SuiteReport, SuiteSettings
from patchwatch.evaluation.suite.suite_runner import suite_profile

BUDGET = "1 per hour"
FRAMES = 40


def clip(
    name: str,
    *,
    anomalous: Sequence[float] = (),
    normal: Sequence[float] = (),
    events: tuple[int, int] | None = None,
    false_alarms: int = 0,
    above: int = 0,
    delays_s: tuple[float, ...] = (),
    in_time: int | None = None,
    regions: RegionTally | None = None,
) -> ClipTally:
    """``anomalous``, ``normal``: scores of its frames. ``events``: detected, labelled."""
    detected, labelled = events or (0, int(bool(anomalous)))
    return ClipTally(
        name=name, seconds=60.0, normal_s=60.0 * len(normal) / max(1, len(normal) + len(anomalous)),
        scores=(*anomalous, *normal), anomalous=(1,) * len(anomalous) + (0,) * len(normal),
        normal=(0,) * len(anomalous) + (1,) * len(normal), above=above,
        budgets=(BudgetTally(BUDGET, labelled, detected, in_time, 0, false_alarms, delays_s),), regions=regions,
    )  # fmt: skip


def noisy_clips(count: int, shift: float, seed: int = 1) -> list[ClipTally]:
    """Clips in which anomalous frames score higher than normal ones by ``shift`` standard deviations."""
    generator = np.random.default_rng(seed)
    clips = []
    for n in range(count):
        normal, anomalous = generator.normal(size=(2, FRAMES)) + generator.normal(scale=0.5)
        clips.append(clip(f"{n:02}", anomalous=(anomalous + shift).tolist(), normal=normal.tolist()))
    return clips


def scene(
    name: str, clips: Sequence[ClipTally], role: Role = Role.HELD_OUT, *, check: FalseAlarmCheck | None = None
) -> SceneResult:
    """A scene that was measured, with its figures."""
    checks = () if check is None else (check,)
    return with_figures(SceneResult(name, role, Training(4, 600, 120.0), (), checks, tuple(clips)))


def suite(*scenes: SceneResult, profile: str = "motion", events_within_s: float | None = None) -> SuiteReport:
    """A report of one profile."""
    return of_profiles(suite_profile(profile, scenes), events_within_s=events_within_s)


def of_profiles(*profiles: SuiteProfile, events_within_s: float | None = None) -> SuiteReport:
    """A report of these profiles on their scenes."""
    entries = {
        scene.scene: SceneEntry(scene.scene, scene.role, "json", 5.0, events_within_s, 4, len(scene.clips))
        for profile in profiles
        for scene in profile.scenes
    }
    settings = SuiteSettings("suite.toml", 5.0, 640, 85, 4.0, 4, 1000)
    when = "2026-01-01T00:00:00+00:00"
    return SuiteReport("0.1.0", "abc", when, "a cpu", 2, settings, tuple(entries.values()), (), profiles)
