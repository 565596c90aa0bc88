"""All scenes of a suite, measured with one profile after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import patchwatch
from models.engine.engine import Engine
from patchwatch.evaluation.provenance import commit, cpu_model
from patchwatch.evaluation.statistics.bootstrap import RESAMPLES
from patchwatch.evaluation.suite.pooling import pools
from patchwatch.evaluation.suite.scene_result import SceneResult, SuiteProfile, worst_first
from patchwatch.evaluation.suite.scene_runner import Progress, Scene, run_scene
from patchwatch.evaluation.suite.suite_file import SceneSpec
from patchwatch.evaluation.suite.suite_report import SceneEntry, SkippedScene, SuiteReport, SuiteSettings
from workers.analysis.recordings import RecordingReader

ShowProgress = Callable[[str], AbstractContextManager[Progress]]


def run_suite(
    engine: Engine, scenes: Sequence[Scene], show: ShowProgress, *, false_alarms_per_day: float, folds: int
) -> SuiteProfile:
    """One profile. ``show``: yields what takes the progress of the scene so titled. Raises as `run_scene`."""
    results = []
    for number, scene in enumerate(scenes, start=1):
        with show(f"{engine.profile.name}, scene {number} of {len(scenes)}: {scene.spec.name}") as progress:
            results.append(
                run_scene(engine, scene, false_alarms_per_day=false_alarms_per_day, folds=folds, progress=progress)
            )
    return suite_profile(engine.profile.name, results, random_weights=_random_weights(engine))


def suite_profile(profile: str, results: Sequence[SceneResult], *, random_weights: bool = False) -> SuiteProfile:
    """The results of one profile, worst first, with their means."""
    return SuiteProfile(profile, random_weights, worst_first(results), pools(results))


def _random_weights(engine: Engine) -> bool:
    return bool(engine.identity.get("networks", {}).get("random_weights", False))


def build_suite_report(
    profiles: Sequence[SuiteProfile],
    scenes: Sequence[Scene],
    skipped: Sequence[SceneSpec],
    reader: RecordingReader,
    *,
    file: str,
    false_alarms_per_day: float,
    folds: int,
) -> SuiteReport:
    """The results of one run, with its settings and the machine."""
    return SuiteReport(
        version=patchwatch.__version__,
        commit=commit(),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        cpu=cpu_model(),
        cores=os.cpu_count() or 1,
        settings=SuiteSettings(
            file=file,
            analysis_fps=reader.video.analysis_fps,
            max_side_px=reader.video.max_side_px,
            jpeg_quality=reader.jpeg_quality,
            false_alarms_per_day=false_alarms_per_day,
            folds=folds,
            bootstrap_resamples=RESAMPLES,
        ),
        scenes=tuple(_entry(scene) for scene in scenes),
        skipped=tuple(SkippedScene(spec.name, spec.role) for spec in skipped),
        profiles=tuple(profiles),
    )


def _entry(scene: Scene) -> SceneEntry:
    spec, dataset = scene.spec, scene.dataset
    return SceneEntry(
        name=spec.name,
        role=spec.role,
        labels="none" if dataset.labels is None else dataset.labels.format,
        analysis_fps=scene.reader.video.analysis_fps,
        events_within_s=spec.events_within_s,
        training=len(dataset.training),
        testing=len(dataset.testing),
    )
