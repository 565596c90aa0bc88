"""Learn from a folder of normal clips, score a folder of labelled ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.banks.bank import Bank
from models.engine.engine import Engine
from patchwatch.contract.errors import InsufficientFootageError
from patchwatch.evaluation import folds as fold
from patchwatch.evaluation.budgets import AlarmBudget, budgets, rule_at
from patchwatch.evaluation.clips import ClipFile, Frames, clips_in, frames_of
from patchwatch.evaluation.cost import CostMeter
from patchwatch.evaluation.detection import Outcome, delays, events_of, outcome, spans_of
from patchwatch.evaluation.evidence import evidence
from patchwatch.evaluation.evidence import with_pictures as evidence_with_pictures
from patchwatch.evaluation.labels.label_format import LabelFormat, read_labels
from patchwatch.evaluation.labels.labels import Labels
from patchwatch.evaluation.metrics import Truth
from patchwatch.evaluation.moments import with_pictures, worst
from patchwatch.evaluation.protocols import FrameScores, frame_scores, judge
from patchwatch.evaluation.report import Budget, ClipResult, HeldOut, ProfileResult, StreamEntry, Training
from patchwatch.evaluation.results import clip_result
from patchwatch.evaluation.scoring import ScoredClip, SeenClip, learn, score, see
from workers.analysis.recordings import RecordingReader

_READ, _LEARN, _FOLDS = 0.35, 0.15, 0.45  # shares of the time, for the progress bar

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Material:
    """Clips to learn from and clips to score. ``labels`` None: nothing is known of the testing clips."""

    training: tuple[ClipFile, ...]
    testing: tuple[Frames, ...]
    labels: Labels | None

    @property
    def has_folders(self) -> bool:
        return any(clip.is_folder for clip in (*self.training, *(frames.clip for frames in self.testing)))

    @property
    def truths(self) -> tuple[Truth, ...]:
        if self.labels is None:
            raise ValueError("without labels there is no truth")
        return tuple(self.labels.truth(frames.clip.name, len(frames)) for frames in self.testing)


def gather(
    train: Path, test: Path, reader: RecordingReader, labels: Path | None = None, form: LabelFormat | None = None
) -> Material:
    """Find the clips and read the labels: all that can be wrong with them is found here, before the work.

    Raises `RejectedError` for folders and labels that do not fit, and the source errors.
    """
    training, testing = clips_in(train), clips_in(test)
    names = [clip.name for clip in testing]
    known = None if labels is None else read_labels(labels, names, form)
    if known is not None:
        known.check(names, test)
    material = Material(tuple(training), tuple(frames_of(clip, reader) for clip in testing), known)
    if known is not None:
        _ = material.truths  # raises for labels of other lengths
    return material


@dataclass(frozen=True)
class Run:
    """A profile's bank, learnt from the training clips, and the testing clips scored with it."""

    training: tuple[SeenClip, ...]
    bank: Bank
    scored: tuple[ScoredClip, ...]
    scores: tuple[FrameScores, ...]
    meter: CostMeter


def run(
    engine: Engine,
    material: Material,
    reader: RecordingReader,
    false_alarms_per_day: float,
    progress: Progress = lambda done, what: None,
) -> Run:
    """Learn one bank from the training clips, score each testing clip from a fresh state.

    Nothing of the testing clips is used but their pictures. Every clip is read, and its features extracted, once.
    Raises `InsufficientFootageError` and the source errors.
    """
    meter, training = CostMeter(), []
    for number, clip in enumerate(material.training):
        progress(number / len(material.training) * _READ, f"reading {clip.name}")
        training.append(see(engine, clip, reader, meter))
    bank = learn(engine, training, false_alarms_per_day, lambda done: progress(_READ + _LEARN * done, "learning"))
    scored = []
    for frames in material.testing:
        progress(_READ + _LEARN, f"scoring {frames.clip.name}")
        scored.append(score(bank, see(engine, frames.clip, reader, meter), meter))
    scores = frame_scores(engine.profile.fusion, scored, material.testing)
    return Run(tuple(training), bank, tuple(scored), scores, meter)


def evaluate(
    engine: Engine,
    material: Material,
    reader: RecordingReader,
    *,
    false_alarms_per_day: float,
    folds: int = fold.FOLDS,
    progress: Progress = lambda done, what: None,
) -> ProfileResult:
    """Everything the report says of one profile. ``folds`` 0 leaves the held-out normal footage out.

    Every frame of a testing clip counts: one that is not analysed has the last score before it. Raises as `run`.
    """
    found = run(engine, material, reader, false_alarms_per_day, progress)
    return judge_run(engine, material, reader, found, folds=folds, progress=progress)


def judge_run(
    engine: Engine,
    material: Material,
    reader: RecordingReader,
    found: Run,
    *,
    folds: int = fold.FOLDS,
    progress: Progress = lambda done, what: None,
) -> ProfileResult:
    """A run compared with the labels."""
    asked = budgets(found.bank.false_alarms_per_day)
    outcomes = [_outcomes(found, material, budget) for budget in asked]
    unseen, notes = _held_out(engine, found, asked, folds, progress)
    clips = _clips(engine, material, found, asked, outcomes)
    files = [frames.clip for frames in material.testing]
    misses = worst(clips, material.testing, anomalous=True)
    alarms = worst(clips, material.testing, anomalous=False)
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
        protocols=judge(found.scores, material.truths),
        budgets=tuple(
            _budget(found.bank, material, budget, of, held_out)
            for budget, of, held_out in zip(asked, outcomes, unseen, strict=True)
        ),
        clips=clips,
        worst_misses=with_pictures(misses, files, reader),
        worst_false_alarms=with_pictures(alarms, files, reader),
        notes=notes,
        evidence=evidence_with_pictures(explained, material.training, files, reader),
    )


def _outcomes(found: Run, material: Material, budget: AlarmBudget) -> list[Outcome]:
    rule = rule_at(found.bank, budget).rule
    parts = zip(found.scored, material.testing, material.truths, strict=True)
    return [outcome(spans_of(truth, frames), events_of(clip, rule)) for clip, frames, truth in parts]


def _clips(
    engine: Engine,
    material: Material,
    found: Run,
    asked: Sequence[AlarmBudget],
    outcomes: Sequence[Sequence[Outcome]],
) -> tuple[ClipResult, ...]:
    streams = [spec.name for spec in engine.profile.streams]
    parts = zip(material.testing, material.truths, found.scored, found.scores, zip(*outcomes, strict=True), strict=True)
    return tuple(
        clip_result(frames, truth, clip, scores, streams, list(zip(asked, of, strict=True)))
        for frames, truth, clip, scores, of in parts
    )


def _held_out(
    engine: Engine, found: Run, asked: Sequence[AlarmBudget], folds: int, progress: Progress
) -> tuple[list[HeldOut | None], tuple[str, ...]]:
    nothing: list[HeldOut | None] = [None] * len(asked)
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
    bank: Bank, material: Material, budget: AlarmBudget, outcomes: Sequence[Outcome], unseen: HeldOut | None
) -> Budget:
    at = rule_at(bank, budget)
    matches = [match for one in outcomes for match in one.matches]
    detected = sum(match.detected for match in matches)
    false_alarms = sum(one.false_alarms for one in outcomes)
    parts = zip(material.testing, material.truths, strict=True)
    hours = sum(float((~truth).sum()) * frames.interval_s for frames, truth in parts) / 3600.0
    median_s, p90_s = delays(matches)
    return Budget(
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
