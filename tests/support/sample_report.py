"""A report of one profile, with figures of nothing in particular."""

from __future__ import annotations

from dataclasses import replace

from patchwatch.evaluation.report.budget_result import BudgetResult, HeldOutCheck
from patchwatch.evaluation.report.clip_result import (
    Alarm,
    ClipResult,
    Detection,
    LabelledEvent,
    MisjudgedFrame,
    Timeline,
)
from patchwatch.evaluation.report.evidence import AlarmEvidence, NearestMoment, StreamEvidence
from patchwatch.evaluation.report.profile_result import Cost, ProfileResult, StreamEntry, Training
from patchwatch.evaluation.report.protocol import Protocol, Protocols
from patchwatch.evaluation.report.report import Report, RunSettings

_AREA = Protocol(0.9, 0.95, (0.8, 0.97), (0.9, 0.99), 0.85, ((0.0, 0.0), (0.1, 0.9), (1.0, 1.0)))
_BUDGET = BudgetResult(
    name="1 per hour", false_alarms_per_day=24.0, is_setting=True, on=0.5, off=0.375, stated_per_day=(10.0, 60.0),
    labelled=1, detected=1, opened_early=0, recall=1.0, false_alarms=0, normal_hours=0.01, false_alarms_per_hour=0.0,
    delay_median_s=0.8, delay_p90_s=0.8, held_out=HeldOutCheck(4, 8, 0.2, 1, (0.1, 0.5), True), warnings=("short",),
)  # fmt: skip
_CLIP = ClipResult(
    name="07", frames=4, anomalous=2, analysed=2, service=0.9, unsmoothed=0.8, paper=1.0,
    events=(LabelledEvent(3, 4, 0.2, 0.3, (Detection("1 per hour", True, 0.1),)),),
    alarms=(Alarm("1 per hour", 0.3, 0.3, 0.3, 0.7, "motion", False),),
    timeline=Timeline(
        (0.0, 0.2), (False, True), (0.1, 0.7), (0.1, 0.9), (0.0, 1.0), {"motion": (None, 4.5)}, (None, "motion"),
        (None, (0.1, 0.2, 0.3, 0.4)),
    ),
)  # fmt: skip

_NEAREST = NearestMoment("01", 2.0, 1.5, (0.1, 0.2, 0.3, 0.4), "/9j/")
_STREAM = StreamEvidence("motion", 1.0, (0.1, 0.2, 0.3, 0.4), (_NEAREST,))
_EVIDENCE = AlarmEvidence("07", 0.3, 0.3, 0.7, False, (_STREAM,), "/9j/")


def profile_result(profile: str = "motion", *, random_weights: bool = False, micro: float = 0.9) -> ProfileResult:
    """One profile's result."""
    return ProfileResult(
        profile=profile, fps=5.0, random_weights=random_weights, streams=(StreamEntry("motion", "motion", 1.0),),
        networks={"random_weights": random_weights}, training=Training(8, 600, 120.0),
        cost=Cost("cpu", 600, {"flow": 3.0}, {"motion": 2.5}, 0.5, 6.0, 6.1, 166.7),
        protocols=Protocols(replace(_AREA, micro_auroc=micro), _AREA, replace(_AREA, looks_into_the_future=True)),
        budgets=(_BUDGET,), clips=(_CLIP,),
        worst_misses=(MisjudgedFrame("07", 0.2, 3, True, 0.7, "motion", (0.1, 0.2, 0.3, 0.4), "/9j/"),),
        worst_false_alarms=(), notes=("a note",), evidence=(_EVIDENCE,),
    )  # fmt: skip


def report(*profiles: ProfileResult, analysis_fps: float = 5.0) -> Report:
    """A report of these profiles, or of one."""
    settings = RunSettings(
        train="training", test="testing", labels="labels.json", label_format="json", analysis_fps=analysis_fps,
        max_side_px=640, jpeg_quality=85, frame_rate=None, false_alarms_per_day=24.0, folds=4, bootstrap_resamples=1000,
    )  # fmt: skip
    return Report("0.1.0", "abc", "2026-01-01T00:00:00+00:00", "a cpu", 2, settings, profiles or (profile_result(),))
