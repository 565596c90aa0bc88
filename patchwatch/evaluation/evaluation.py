"""Learn from a folder of normal clips, score a folder of labelled ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.banks.bank import Bank
from models.engine.engine import Engine
from patchwatch.contract.errors import InsufficientFootageError
from patchwatch.evaluation import folds as fold
from patchwatch.evaluation.alarm_evidence import evidence
from patchwatch.evaluation.alarm_evidence import with_pictures as evidence_with_pictures
from patchwatch.evaluation.budgets import AlarmBudget, budgets, rule_at
from patchwatch.evaluation.clip_results import clip_result
from patchwatch.evaluation.clips import ClipFile, ClipFrames, find_clips, read_frames
from patchwatch.evaluation.cost import CostMeter
from patchwatch.evaluation.detection import ClipDetections, delays, detect_events, labelled_spans, outcome
from patchwatch.evaluation.labels.label_format import LabelFormat, read_labels
from patchwatch.evaluation.labels.labels import Labels
from patchwatch.evaluation.misjudged_frames import with_pictures, worst
from patchwatch.evaluation.protocols import FrameScores, frame_scores, measure_protocols
from patchwatch.evaluation.report.budget_result import BudgetResult, HeldOutCheck
from patchwatch.evaluation.report.clip_result import ClipResult
from patchwatch.evaluation.report.profile_result import ProfileResult, StreamEntry, Training
from patchwatch.evaluation.scoring import ExtractedClip, ScoredClip, extract_clip, learn, score
from patchwatch.evaluation.statistics.metrics import Truth
from workers.analysis.recordings import RecordingReader

_READ, _LEARN, _FOLDS = 0.35, 0.15, 0.45  # shares of the time, for the progress bar

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Dataset:
    """Clips to learn from and clips to score. ``labels`` None: nothing is known of the testing clips."""

    training: tuple[ClipFile, ...]
    testing: tuple[ClipFrames, ...]
    labels: Labels | None

    @property
    def has_folders(self) -> bool:
        return any(clip.is_folder for clip in (*self.training, *(frames.clip for frames in self.testing)))

    @property
    def truths(self) -> tuple[Truth, ...]:
        if self.labels is None:
            raise ValueError("without labels there is no truth")
        return tuple(self.labels.truth(frames.clip.name, len(frames)) for frames in self.testing)


def load_dataset(
    train: Path, test: Path, reader: RecordingReader, labels: Path | None = None, form: LabelFormat | None = None
) -> Dataset:
    """Find the clips and read the labels: all that can be wrong with them is found here, before the work.

    Raises `RejectedError` for folders and labels that do not fit, and the source errors.
    """
    training, testing = find_clips(train), find_clips(test)
    names = [clip.name for clip in testing]
    known = None if labels is None else read_labels(labels, names, form)
    if known is not None:
        known.check(names, test)
    dataset = Dataset(tuple(training), tuple(read_frames(clip, reader) for clip in testing), known)
    if known is not None:
        _ = dataset.truths  # raises for labels of other lengths
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
    """Learn one bank from the training clips, score each testing clip from a fresh state.

    Nothing of the testing clips is used but their pictures. Every clip is read, and its features extracted, once.
    Raises `InsufficientFootageError` and the source errors.
    """
    meter, training = CostMeter(), []
    for number, clip in enumerate(dataset.training):
        progress(number / len(dataset.training) * _READ, f"reading {clip.name}")
        training.append(extract_clip(engine, clip, reader, meter))
    bank = learn(engine, training, false_alarms_per_day, lambda done: progress(_READ + _LEARN * done, "learning"))
    scored = []
    for frames in dataset.testing:
        progress(_READ + _LEARN, f"scoring {frames.clip.name}")
        scored.append(score(bank, extract_clip(engine, frames.clip, reader, meter), meter))
    scores = frame_scores(engine.profile.fusion, scored, dataset.testing)
    return ProfileRun(tuple(training), bank, tuple(scored), scores, meter)


def evaluate(
    engine: Engine,
    dataset: Dataset,
    reader: RecordingReader,
    *,
    false_alarms_per_day: float,
    folds: int = fold.FOLDS,
    progress: Progress = lambda done, what: None,
) -> ProfileResult:
    """Everything the report says of one profile. ``folds`` 0 leaves the held-out normal footage out.

    Every frame of a testing clip counts: one that is not analysed has the last score before it. Raises as `run`.
    """
    found = run(engine, dataset, reader, false_alarms_per_day, progress)
    return evaluate_run(engine, dataset, reader, found, folds=folds, progress=progress)


def evaluate_run(
    engine: Engine,
    dataset: Dataset,
    reader: RecordingReader,
    found: ProfileRun,
    *,
    folds: int = fold.FOLDS,
    progress: Progress = lambda done, what: None,
) -> ProfileResult:
    """A run compared with the labels."""
    asked = budgets(found.bank.false_alarms_per_day)
    outcomes = [_outcomes(found, dataset, budget) for budget in asked]
    unseen, notes = _held_out(engine, found, asked, folds, progress)
    clips = _clips(engine, dataset, found, asked, outcomes)
    files = [frames.clip for frames in dataset.testing]
    misses = worst(clips, dataset.testing, anomalous=True)
    alarms = worst(clips, dataset.testing, anomalous=False)
    at_setting = next(of for budget, of in zip(asked, outcomes, strict=True) if budget.is_setting)
    explained = evidence(found.bank, found.scored, at_setting)
    progress(1.0, "")
    return ProfileResult(
        profile=engine.profile.name,
        fps=reader.video.analysis_fps,
        random_weights=found.bank.random_weights,
        streams=tuple(StreamEntry(spec.name, spec.kind.value, spec.weight) for spec in engine.profile.streams),
        networks=dict(engine.identity["networks"]),
        training=Training(len(found.training), found.bank.footage.frames, found.bank.footage.seconds),
        cost=found.meter.cost(engine.device),
        protocols=measure_protocols(found.scores, dataset.truths),
        budgets=tuple(
            _budget(found.bank, dataset, budget, of, held_out)
            for budget, of, held_out in zip(asked, outcomes, unseen, strict=True)
        ),
        clips=clips,
        worst_misses=with_pictures(misses, files, reader),
        worst_false_alarms=with_pictures(alarms, files, reader),
        notes=notes,
        evidence=evidence_with_pictures(explained, dataset.training, files, reader),
    )


def _outcomes(found: ProfileRun, dataset: Dataset, budget: AlarmBudget) -> list[ClipDetections]:
    rule = rule_at(found.bank, budget).rule
    parts = zip(found.scored, dataset.testing, dataset.truths, strict=True)
    return [outcome(labelled_spans(truth, frames), detect_events(clip, rule)) for clip, frames, truth in parts]


def _clips(
    engine: Engine,
    dataset: Dataset,
    found: ProfileRun,
    asked: Sequence[AlarmBudget],
    outcomes: Sequence[Sequence[ClipDetections]],
) -> tuple[ClipResult, ...]:
    streams = [spec.name for spec in engine.profile.streams]
    parts = zip(dataset.testing, dataset.truths, found.scored, found.scores, zip(*outcomes, strict=True), strict=True)
    return tuple(
        clip_result(frames, truth, clip, scores, streams, list(zip(asked, of, strict=True)))
        for frames, truth, clip, scores, of in parts
    )


def _held_out(
    engine: Engine, found: ProfileRun, asked: Sequence[AlarmBudget], folds: int, progress: Progress
) -> tuple[list[HeldOutCheck | None], tuple[str, ...]]:
    nothing: list[HeldOutCheck | None] = [None] * len(asked)
    if not folds:
        return nothing, ("held-out normal footage was not looked at (--no-folds)",)
    if len(found.training) < 2:
        return nothing, ("held-out normal footage was not looked at: it needs two training clips",)
    start = _READ + _LEARN
    try:
        results = fold.held_out(
            engine, found.training, asked, folds=folds,
            progress=lambda done: progress(start + _FOLDS * done, "held-out normal footage"),
        )  # fmt: skip
    except InsufficientFootageError as error:
        return nothing, (f"held-out normal footage was not looked at: {error}",)
    return list(results), ()


def _budget(
    bank: Bank, dataset: Dataset, budget: AlarmBudget, outcomes: Sequence[ClipDetections], unseen: HeldOutCheck | None
) -> BudgetResult:
    at = rule_at(bank, budget)
    matches = [match for one in outcomes for match in one.matches]
    detected = sum(match.detected for match in matches)
    false_alarms = sum(one.false_alarms for one in outcomes)
    parts = zip(dataset.testing, dataset.truths, strict=True)
    hours = sum(float((~truth).sum()) * frames.interval_s for frames, truth in parts) / 3600.0
    median_s, p90_s = delays(matches)
    return BudgetResult(
        name=budget.name,
        false_alarms_per_day=budget.per_day,
        is_setting=budget.is_setting,
        on=at.rule.on,
        off=at.rule.off,
        stated_per_day=at.stated_per_day,
        labelled=len(matches),
        detected=detected,
        opened_early=sum(match.opened_early for match in matches),
        recall=detected / len(matches) if matches else None,
        false_alarms=false_alarms,
        normal_hours=hours,
        false_alarms_per_hour=false_alarms / hours if hours else None,
        delay_median_s=median_s,
        delay_p90_s=p90_s,
        held_out=unseen,
        warnings=at.warnings,
    )
