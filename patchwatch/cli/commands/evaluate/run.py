"""``patchwatch evaluate run``: scores labelled clips, and measures how well profiles find what is labelled."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from patchwatch.cli.commands.evaluate.options import (
    STDOUT,
    CsvOut,
    CsvScores,
    Folds,
    FrameRate,
    HtmlOut,
    JsonOut,
    LabelForm,
    Labels,
    Profiles,
    ScoreChoice,
    Test,
    Train,
    check_outputs,
    chosen_profiles,
    recording_reader,
)
from patchwatch.cli.commands.evaluate.report import write_page
from patchwatch.cli.options import AnalysisFps
from patchwatch.cli.output import print_json, write_output
from patchwatch.contract.errors import RejectedError
from patchwatch.contract.settings import load_settings

if TYPE_CHECKING:
    from models.engine.engine import Engine
    from patchwatch.evaluation.evaluation import Dataset, ProfileRun
    from patchwatch.evaluation.report.profile_result import ProfileResult
    from patchwatch.evaluation.report.report import Report
    from workers.analysis.recordings import RecordingReader


def run(
    train: Train,
    test: Test,
    labels: Labels = None,
    label_format: LabelForm = None,
    profile: Profiles = None,
    fps: AnalysisFps = None,
    frame_rate: FrameRate = None,
    folds: Folds = True,
    json_out: JsonOut = None,
    html_out: HtmlOut = None,
    csv_out: CsvOut = None,
    csv_scores: CsvScores = ScoreChoice.SERVICE,
) -> None:
    """Learn from normal clips, score others as the live service would, and print how well that finds what is labelled.

    Several profiles are compared in one table.
    """
    from patchwatch.evaluation.report_builder import build_report

    names = chosen_profiles(profile)
    _check(names, labels, json_out, html_out, csv_out)
    reader = recording_reader(fps, frame_rate)
    engines = _engines(names)  # so that missing weights stop it before the work
    dataset = _dataset(train, test, reader, labels, label_format, numbered=csv_out is not None)
    if frame_rate is None and dataset.has_folders:
        typer.echo(f"NOTICE: pictures are read at {reader.frame_rate:g} a second: --frame-rate changes that", err=True)
    work = _Work(dataset, reader, load_settings().false_alarms_per_day, _folds(folds), csv_out, csv_scores)
    results = [result for engine in engines if (result := work.evaluate(engine)) is not None]
    if not results:
        return
    report = build_report(
        results, dataset, reader,
        train=train, test=test, false_alarms_per_day=work.false_alarms_per_day, folds=work.folds,
    )  # fmt: skip
    _publish(report, json_out, html_out)


def _check(
    names: list[str], labels: Path | None, json_out: Path | None, html_out: Path | None, csv_out: Path | None
) -> None:
    if labels is None and csv_out is None:
        raise RejectedError("name the labels of the testing clips with --labels, or write a --csv of scores only")
    if labels is None and (json_out or html_out):
        raise RejectedError("a report needs --labels; --csv alone does not")
    if csv_out is not None and len(names) > 1:
        raise RejectedError(
            f"--csv holds the scores of one profile, not of {', '.join(names)}: evaluate them one at a time"
        )
    check_outputs(json=json_out, html=html_out, csv=csv_out)


def _engines(names: list[str]) -> list[Engine]:
    from workers.analysis.engine_loader import load_engine

    settings = load_settings()
    return [load_engine(settings, name) for name in names]


def _dataset(
    train: Path, test: Path, reader: RecordingReader, labels: Path | None, form: LabelForm, *, numbered: bool
) -> Dataset:
    """``numbered``: its frames have to have numbers."""
    from patchwatch.evaluation.evaluation import load_dataset
    from patchwatch.evaluation.labels.label_format import LabelFormat
    from patchwatch.evaluation.predictions import frame_ids

    dataset = load_dataset(train, test, reader, labels, LabelFormat(form.value) if form else None)
    if numbered:
        for frames in dataset.testing:
            frame_ids(frames)  # raises where pictures have no numbers
    return dataset


def _folds(wanted: bool) -> int:
    from patchwatch.evaluation.folds import FOLDS

    return FOLDS if wanted else 0


@dataclass(frozen=True)
class _Work:
    """What is done with each profile."""

    dataset: Dataset
    reader: RecordingReader
    false_alarms_per_day: float
    folds: int
    csv_out: Path | None
    csv_scores: ScoreChoice

    def evaluate(self, engine: Engine) -> ProfileResult | None:
        """One profile; None where there are no labels to compare with."""
        from patchwatch.cli.progress import progress_bar
        from patchwatch.evaluation.evaluation import evaluate_run
        from patchwatch.evaluation.evaluation import run as run_profile

        with progress_bar(f"evaluating {engine.profile.name}") as progress:
            scored = run_profile(engine, self.dataset, self.reader, self.false_alarms_per_day, progress)
            if self.csv_out is not None:
                _write_csv(self.csv_out, self.dataset, scored, self.csv_scores)
            if self.dataset.labels is None:
                return None
            return evaluate_run(engine, self.dataset, self.reader, scored, folds=self.folds, progress=progress)


def _write_csv(path: Path, dataset: Dataset, scored: ProfileRun, csv_scores: ScoreChoice) -> None:
    from patchwatch.evaluation.predictions import ScoredBy, write_predictions

    table = StringIO()
    write_predictions(dataset.testing, scored.scores, table, ScoredBy(csv_scores.value))
    write_output("--csv", path, table.getvalue())
    if scored.bank.random_weights:
        typer.echo(f"WARNING: {path} was made with RANDOM CLIP weights", err=True)


def _publish(report: Report, json_out: Path | None, html_out: Path | None) -> None:
    from patchwatch.evaluation.report.text_table import table_lines

    if html_out:
        write_page(report, html_out)
    if json_out == STDOUT:
        print_json(report.as_json())
        return
    if json_out:
        write_output("--json", json_out, json.dumps(report.as_json()) + "\n")
    for line in table_lines(report.profiles):
        typer.echo(line)
