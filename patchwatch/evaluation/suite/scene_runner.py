"""One scene measured with one profile, by the protocol of `patchwatch evaluate run`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.engine.engine import Engine
from patchwatch.contract.errors import InsufficientFootageError
from patchwatch.evaluation.clips import ClipFile, gather_clips
from patchwatch.evaluation.evaluation import Dataset, labelled_dataset, measure_run, run
from patchwatch.evaluation.folds import is_within
from patchwatch.evaluation.labels.label_format import read_labels
from patchwatch.evaluation.labels.labels import Labels
from patchwatch.evaluation.report.budget_result import BudgetResult
from patchwatch.evaluation.report.profile_result import ProfileResult
from patchwatch.evaluation.suite.clip_tally import ClipTally, tally_clips
from patchwatch.evaluation.suite.figure import Figure, SceneTally, figures
from patchwatch.evaluation.suite.resampling import measured, resampled, stated_interval
from patchwatch.evaluation.suite.scene_result import FalseAlarmCheck, FigureValue, SceneResult
from patchwatch.evaluation.suite.suite_file import SceneSpec
from workers.analysis.recordings import RecordingReader

Progress = Callable[[float, str], None]
_SECONDS_PER_DAY = 86_400.0


@dataclass(frozen=True)
class Scene:
    """A scene whose clips were found and whose labels fit them."""

    spec: SceneSpec
    dataset: Dataset
    reader: RecordingReader


def load_scene(spec: SceneSpec, reader: RecordingReader) -> Scene:
    """Everything that can be wrong with clips and labels is reported here, before the work.

    Raises `RejectedError` and the source errors.
    """
    if spec.fps is not None:
        reader = replace(reader, video=replace(reader.video, analysis_fps=spec.fps))
    if spec.frame_rate is not None:
        reader = replace(reader, frame_rate=spec.frame_rate)
    training, testing = gather_clips(spec.train, with_folder=True), gather_clips(spec.test)
    where = ", ".join(map(str, spec.test))
    return Scene(spec, labelled_dataset(training, testing, reader, _labels(spec, testing), where), reader)


def _labels(spec: SceneSpec, testing: Sequence[ClipFile]) -> Labels:
    names = [clip.name for clip in testing]
    if spec.labels is None:
        return Labels.all_normal(Path(spec.name), names)
    return read_labels(spec.labels, names, spec.label_format)


def run_scene(
    engine: Engine,
    scene: Scene,
    *,
    false_alarms_per_day: float,
    folds: int,
    progress: Progress = lambda done, what: None,
) -> SceneResult:
    """Every clip is read, and its features extracted, once. A scene with too little footage has a result that says so.

    Raises the source errors, and `RejectedError` for masks that do not fit.
    """
    spec, dataset, reader = scene.spec, scene.dataset, scene.reader
    try:
        profile_run = run(engine, dataset, reader, false_alarms_per_day, progress)
    except InsufficientFootageError as error:
        return SceneResult(spec.name, spec.role, failed=str(error))
    result = measure_run(engine, dataset, reader, profile_run, folds=folds, progress=progress)
    clips = tally_clips(dataset, profile_run, spec.events_within_s)
    return with_figures(
        SceneResult(
            spec.name,
            spec.role,
            training=result.training,
            checks=tuple(_checks(result, clips)),
            clips=clips,
            notes=(*result.notes, *_warnings(result)),
        )
    )


def with_figures(result: SceneResult) -> SceneResult:
    """The same result with the figures of its clips."""
    return replace(result, figures=tuple(_value(figure, result.tally) for figure in figures(result.budgets)))


def _value(figure: Figure, tally: SceneTally) -> FigureValue:
    value = measured(figure, tally)
    limits = None if value is None else stated_interval(resampled(figure, tally), figure.units(tally))
    return FigureValue(figure.name, value, limits)


def _warnings(result: ProfileResult) -> tuple[str, ...]:
    """About the budget that is set: the others would say the same of theirs."""
    return result.main_budget.warnings if result.main_budget is not None else ()


def _checks(result: ProfileResult, clips: Sequence[ClipTally]) -> Iterator[FalseAlarmCheck]:
    normal = [clip for clip in clips if clip.is_normal]
    for budget in result.budgets:
        check = _check(budget, normal)
        if check is not None:
            yield check


def _check(budget: BudgetResult, normal: Sequence[ClipTally]) -> FalseAlarmCheck | None:
    """The testing clips by the bank as it is, the training clips each by one that did not see it."""
    held_out, stated = budget.held_out, budget.stated_per_day
    if stated is None or not (normal or held_out):
        return None
    days = sum(clip.seconds for clip in normal) / _SECONDS_PER_DAY
    seen = sum(tally.false_alarms for clip in normal for tally in clip.budgets if tally.budget == budget.name)
    low, high = (limit * days for limit in stated)
    hours, clips = days * 24.0, 0
    if held_out is not None:
        seen, hours, clips = seen + held_out.false_alarms, hours + held_out.hours, held_out.clips
        if held_out.expected is not None:
            low, high = low + held_out.expected[0], high + held_out.expected[1]
    expected = (low, high)
    return FalseAlarmCheck(budget.name, clips, len(normal), hours, seen, expected, is_within(seen, expected))
