"""Learn from a folder of normal clips, score a folder of labelled ones, and compare the scores with the labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.banks.bank import Bank
from models.engine.engine import Engine
from patchwatch.contract.errors import InsufficientFootageError
from patchwatch.evaluation import alarm_evidence, misjudged_frames
from patchwatch.evaluation.budgets import AlarmBudget, alarm_budgets, rule_at
from patchwatch.evaluation.clip_results import clip_result
from patchwatch.evaluation.clips import ClipFile, ClipFrames, find_clips, read_frames
from patchwatch.evaluation.cost import CostMeter
from patchwatch.evaluation.detection import ClipDetections, delays, detect_events, labelled_spans, match_events
from patchwatch.evaluation.folds import FOLDS, check_held_out
from patchwatch.evaluation.labels.label_format import LabelFormat, read_labels
from patchwatch.evaluation.labels.labels import Labels
from patchwatch.evaluation.protocols import FrameScores, frame_scores, measure_protocols
from patchwatch.evaluation.report.budget_result import BudgetResult, HeldOutCheck
from patchwatch.evaluation.report.clip_result import ClipResult
from patchwatch.evaluation.report.profile_result import ProfileResult, StreamEntry, Training
from patchwatch.evaluation.scoring import ExtractedClip, ScoredClip, extract_clip, learn, score
from patchwatch.evaluation.statistics.metrics import Truth
from workers.analysis.recordings import RecordingReader

_READ, _LEARN, _FOLDS = 0.35, 0.15, 0.45  # Estimated shares of the time, for the progress bar.

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Dataset:
    """Clips to learn from and clips to score. ``labels`` is None when the testing clips are not labelled."""

    training: tuple[ClipFile, ...]
    testing: tuple[ClipFrames, ...]
    labels: Labels | None

    @property
    def has_folders(self) -> bool:
        """Whether a clip is a folder of pictures."""
        return any(clip.is_folder for clip in (*self.training, *self.testing_files))

    @property
    def testing_files(self) -> tuple[ClipFile, ...]:
        return tuple(frames.clip for frames in self.testing)

    @property
    def truths(self) -> tuple[Truth, ...]:
        """Which frames of each testing clip are anomalous."""
        if self.labels is None:
            raise ValueError("the testing clips are not labelled")
        return tuple(self.labels.truth(frames.clip.name, len(frames)) for frames in self.testing)


def load_dataset(
    train: Path, test: Path, reader: RecordingReader, labels: Path | None = None, form: LabelFormat | None = None
) -> Dataset:
    """Find the clips and read the labels. Everything that can be wrong with them is reported here, before the work.

    Raises `RejectedError` for folders and labels that do not fit, and the source errors.
    """
    training, testing = find_clips(train), find_clips(test)
    known_labels = None if labels is None else read_labels(labels, [clip.name for clip in testing], form)
    return labelled_dataset(training, testing, reader, known_labels, str(test))


def labelled_dataset(
    training: Sequence[ClipFile],
    testing: Sequence[ClipFile],
    reader: RecordingReader,
    labels: Labels | None,
    where: str,
) -> Dataset:
    """Clips with labels that fit them. ``where``: the place of the testing clips, for messages. Raises as above."""
    if labels is not None:
        labels.check([clip.name for clip in testing], where)
    dataset = Dataset(tuple(training), tuple(read_frames(clip, reader) for clip in testing), labels)
    if labels is not None:
        _ = dataset.truths  # Raises for labels of other lengths.
    return dataset


@dataclass(frozen=True)
class ProfileRun:
    """A profile's bank, learnt from the training clips, and the testing clips scored with it."""

    training: tuple[ExtractedClip, ...]
    bank: Bank
    scored: tuple[ScoredClip, ...]
    scores: tuple[FrameScores, ...]
    meter: CostMeter


def run(
    engine: Engine,
    dataset: Dataset,
    reader: RecordingReader,
    false_alarms_per_day: float,
    progress: Progress = lambda done, what: None,
) -> ProfileRun:
    """Learn one bank from the training clips, and score each testing clip from a fresh state.

    Of the testing clips only the pictures are used. Every clip is read, and its features extracted, once.
    Raises `InsufficientFootageError` and the source errors.
    """
    meter, training = CostMeter(), []
    for number, clip in enumerate(dataset.training):
        progress(number / len(dataset.training) * _READ, f"reading {clip.name}")
        training.append(extract_clip(engine, clip, reader, meter))
    bank = learn(engine, training, false_alarms_per_day, lambda done: progress(_READ + _LEARN * done, "learning"))
    scored = []
    for clip in dataset.testing_files:
        progress(_READ + _LEARN, f"scoring {clip.name}")
        scored.append(score(bank, extract_clip(engine, clip, reader, meter), meter))
    scores = frame_scores(engine.profile.fusion, scored, dataset.testing)
    return ProfileRun(tuple(training), bank, tuple(scored), scores, meter)


def evaluate(
    engine: Engine,
    dataset: Dataset,
    reader: RecordingReader,
    *,
    false_alarms_per_day: float,
    folds: int = FOLDS,
    progress: Progress = lambda done, what: None,
) -> ProfileResult:
    """Everything the report states about one profile. ``folds`` 0 leaves out the check on held-out footage.

    Every frame of a testing clip counts: one that is not analysed has the last score before it. Raises as `run`.
    """
    profile_run = run(engine, dataset, reader, false_alarms_per_day, progress)
    return evaluate_run(engine, dataset, reader, profile_run, folds=folds, progress=progress)


def evaluate_run(
    engine: Engine,
    dataset: Dataset,
    reader: RecordingReader,
    profile_run: ProfileRun,
    *,
    folds: int = FOLDS,
    progress: Progress = lambda done, what: None,
) -> ProfileResult:
    """Compare a run with the labels, and show what was judged wrong and what alarmed."""
    result = measure_run(engine, dataset, reader, profile_run, folds=folds, progress=progress)
    return _with_pictures(result, dataset, reader, profile_run)


def measure_run(
    engine: Engine,
    dataset: Dataset,
    reader: RecordingReader,
    profile_run: ProfileRun,
    *,
    folds: int = FOLDS,
    progress: Progress = lambda done, what: None,
) -> ProfileResult:
    """Compare a run with the labels: every figure, without the pictures, for which the clips are read again."""
    bank = profile_run.bank
    budgets = alarm_budgets(bank.false_alarms_per_day)
    detections = [detections_at(profile_run, dataset, budget) for budget in budgets]
    checks, notes = _held_out(engine, profile_run, budgets, folds, progress)
    clips = _clips(engine, dataset, profile_run, budgets, detections)
    progress(1.0, "")
    return ProfileResult(
        profile=engine.profile.name,
        fps=reader.video.analysis_fps,
        random_weights=bank.random_weights,
        streams=tuple(StreamEntry(spec.name, spec.kind.value, spec.weight) for spec in engine.profile.streams),
        networks=dict(engine.identity["networks"]),
        training=Training(len(profile_run.training), bank.footage.frames, bank.footage.seconds),
        cost=profile_run.meter.cost(engine.device),
        protocols=measure_protocols(profile_run.scores, dataset.truths),
        budgets=tuple(
            _budget(bank, dataset, *parts) for parts in zip(budgets, detections, checks, strict=True)
        ),
        clips=clips,
        worst_misses=(),
        worst_false_alarms=(),
        notes=notes,
    )  # fmt: skip


def _with_pictures(
    result: ProfileResult, dataset: Dataset, reader: RecordingReader, profile_run: ProfileRun
) -> ProfileResult:
    setting = next(budget for budget in alarm_budgets(profile_run.bank.false_alarms_per_day) if budget.is_setting)
    detections = detections_at(profile_run, dataset, setting)
    alarms = alarm_evidence.explain_alarms(profile_run.bank, profile_run.scored, detections)
    misses, false_alarms = (
        misjudged_frames.worst_frames(result.clips, dataset.testing, anomalous=anomalous) for anomalous in (True, False)
    )
    return replace(
        result,
        worst_misses=misjudged_frames.add_pictures(misses, dataset.testing_files, reader),
        worst_false_alarms=misjudged_frames.add_pictures(false_alarms, dataset.testing_files, reader),
        evidence=alarm_evidence.add_pictures(alarms, dataset.training, dataset.testing_files, reader),
    )


def detections_at(profile_run: ProfileRun, dataset: Dataset, budget: AlarmBudget) -> list[ClipDetections]:
    """What the rule of a budget finds: one per testing clip."""
    rule = rule_at(profile_run.bank, budget).rule
    parts = zip(profile_run.scored, dataset.testing, dataset.truths, strict=True)
    return [match_events(labelled_spans(truth, frames), detect_events(clip, rule)) for clip, frames, truth in parts]


def _clips(
    engine: Engine,
    dataset: Dataset,
    profile_run: ProfileRun,
    budgets: Sequence[AlarmBudget],
    detections: Sequence[Sequence[ClipDetections]],
) -> tuple[ClipResult, ...]:
    """``detections``: by budget, then by clip."""
    streams = engine.profile.readings
    by_clip = (list(zip(budgets, of_clip, strict=True)) for of_clip in zip(*detections, strict=True))
    parts = zip(dataset.testing, dataset.truths, profile_run.scored, profile_run.scores, by_clip, strict=True)
    return tuple(
        clip_result(frames, truth, clip, scores, streams, detections_by_budget)
        for frames, truth, clip, scores, detections_by_budget in parts
    )


def _held_out(
    engine: Engine, profile_run: ProfileRun, budgets: Sequence[AlarmBudget], folds: int, progress: Progress
) -> tuple[list[HeldOutCheck | None], tuple[str, ...]]:
    """A check for each budget, or None for each with a note that says why."""
    unchecked: list[HeldOutCheck | None] = [None] * len(budgets)
    if not folds:
        return unchecked, ("held-out normal footage was not checked (--no-folds)",)
    if len(profile_run.training) < 2:
        return unchecked, ("held-out normal footage was not checked: that needs two training clips",)
    start = _READ + _LEARN
    try:
        checks = check_held_out(
            engine, profile_run.training, budgets, folds=folds,
            progress=lambda done: progress(start + _FOLDS * done, "held-out normal footage"),
        )  # fmt: skip
    except InsufficientFootageError as error:
        return unchecked, (f"held-out normal footage was not checked: {error}",)
    return list(checks), ()


def _budget(
    bank: Bank,
    dataset: Dataset,
    budget: AlarmBudget,
    detections: Sequence[ClipDetections],
    held_out: HeldOutCheck | None,
) -> BudgetResult:
    at_budget = rule_at(bank, budget)
    matches = [match for clip_detections in detections for match in clip_detections.matches]
    detected = sum(match.detected for match in matches)
    false_alarms = sum(clip_detections.false_alarms for clip_detections in detections)
    parts = zip(dataset.testing, dataset.truths, strict=True)
    hours = sum(float((~truth).sum()) * frames.interval_s for frames, truth in parts) / 3600.0
    median_s, p90_s = delays(matches)
    return BudgetResult(
        name=budget.name,
        false_alarms_per_day=budget.per_day,
        is_setting=budget.is_setting,
        on=at_budget.rule.on,
        off=at_budget.rule.off,
        stated_per_day=at_budget.stated_per_day,
        labelled=len(matches),
        detected=detected,
        opened_early=sum(match.opened_early for match in matches),
        recall=detected / len(matches) if matches else None,
        false_alarms=false_alarms,
        normal_hours=hours,
        false_alarms_per_hour=false_alarms / hours if hours else None,
        delay_median_s=median_s,
        delay_p90_s=p90_s,
        held_out=held_out,
        warnings=at_budget.warnings,
    )
