"""``patchwatch evaluate run``: scores labelled clips, and measures how well profiles find what is labelled."""

from __future__ import annotations

import json
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchwatch.cli.commands.evaluate.report import write_page
from patchwatch.cli.options import AnalysisFps
from patchwatch.cli.output import check_output, print_json, write_output
from patchwatch.contract.errors import RejectedError
from patchwatch.contract.settings import load_settings

if TYPE_CHECKING:
    from models.engine.engine import Engine
    from patchwatch.evaluation.evaluation import Dataset, ProfileRun
    from patchwatch.evaluation.report.profile_result import ProfileResult
    from patchwatch.evaluation.report.report import Report
    from workers.analysis.recordings import RecordingReader


_STDOUT = Path("-")


class LabelChoice(StrEnum):
    """Formats of labels; as `patchwatch.evaluation.labels.label_format.LabelFormat`."""

    JSON = "json"
    UCSD = "ucsd"
    AVENUE = "avenue"
    SHANGHAITECH = "shanghaitech"


class ScoreChoice(StrEnum):
    """Which scores the CSV holds; as `patchwatch.evaluation.predictions.ScoredBy`."""

    SERVICE = "service"
    UNSMOOTHED = "unsmoothed"
    PAPER = "paper"


_Train = Annotated[Path, typer.Option(help="Folder of clips that show normal only: videos, or folders of pictures.")]
_Test = Annotated[Path, typer.Option(help="Folder of clips to score.")]
_Labels = Annotated[
    Path | None,
    typer.Option(help="Anomalous frames of each testing clip: our JSON, UCSD .m, Avenue .mat, ShanghaiTech .npy."),
]
_LabelFormat = Annotated[LabelChoice | None, typer.Option(help="Default: recognised by the files' endings.")]
_Profile = Annotated[
    list[str] | None, typer.Option(help="motion, objects, clip, reference, or one of your own; may be repeated.")
]
_FrameRate = Annotated[
    float | None, typer.Option(help="Frames per second of clips that are folders of pictures. Default: 25.")
]
_Folds = Annotated[
    bool, typer.Option(help="Count false alarms on held-out training clips, which takes most of the time.")
]
_JsonOut = Annotated[Path | None, typer.Option("--json", help="Write the report as JSON here; -: print it.")]
_HtmlOut = Annotated[Path | None, typer.Option("--html", help="Write the report as one HTML page here.")]
_CsvOut = Annotated[
    Path | None,
    typer.Option("--csv", help="Write Id,Predicted of every testing frame here; needs no labels."),
]
_CsvScores = Annotated[ScoreChoice, typer.Option(help="What the CSV holds; `paper` looks into the future.")]


def run(
    train: _Train,
    test: _Test,
    labels: _Labels = None,
    label_format: _LabelFormat = None,
    profile: _Profile = None,
    fps: AnalysisFps = None,
    frame_rate: _FrameRate = None,
    folds: _Folds = True,
    json_out: _JsonOut = None,
    html_out: _HtmlOut = None,
    csv_out: _CsvOut = None,
    csv_scores: _CsvScores = ScoreChoice.SERVICE,
) -> None:
    """Learn from normal clips, score others as the live service would, and print how well that finds what is labelled.

    Several profiles are compared in one table.
    """
    from patchwatch.evaluation.report_builder import build_report
    from workers.analysis.engine_loader import load_engine

    names = list(dict.fromkeys(profile or ["motion"]))
    _check(names, labels, {"--json": json_out, "--html": html_out}, csv_out)
    reader, settings = _reader(fps, frame_rate), load_settings()
    engines = [load_engine(settings, name) for name in names]  # so that missing weights stop it before the work
    dataset = _dataset(train, test, reader, labels, label_format, numbered=csv_out is not None)
    if frame_rate is None and dataset.has_folders:
        typer.echo(f"NOTICE: pictures are read at {reader.frame_rate:g} a second: --frame-rate changes that", err=True)
    per_day, number = settings.false_alarms_per_day, _number_of_folds(folds)
    evaluated = [_evaluate(engine, dataset, reader, per_day, number, csv_out, csv_scores) for engine in engines]
    if results := [result for result in evaluated if result is not None]:
        report = build_report(
            results, dataset, reader, train=train, test=test, false_alarms_per_day=per_day, folds=number
        )
        _publish(report, json_out, html_out)


def _dataset(
    train: Path, test: Path, reader: RecordingReader, labels: Path | None, label_format: LabelChoice | None, *,
    numbered: bool,
) -> Dataset:  # fmt: skip
    """``numbered``: raise `RejectedError` where pictures have no numbers."""
    from patchwatch.evaluation.evaluation import load_dataset
    from patchwatch.evaluation.labels.label_format import LabelFormat
    from patchwatch.evaluation.predictions import frame_ids

    dataset = load_dataset(train, test, reader, labels, LabelFormat(label_format.value) if label_format else None)
    if numbered:
        for frames in dataset.testing:
            frame_ids(frames)
    return dataset


def _number_of_folds(folds: bool) -> int:
    from patchwatch.evaluation.folds import FOLDS

    return FOLDS if folds else 0


def _publish(report: Report, json_out: Path | None, html_out: Path | None) -> None:
    from patchwatch.evaluation.report.text_table import table_lines

    if html_out:
        write_page(report, html_out)
    if json_out == _STDOUT:
        print_json(report.as_json())
        return
    if json_out:
        write_output("--json", json_out, json.dumps(report.as_json()) + "\n")
    for line in table_lines(report.profiles):
        typer.echo(line)


def _check(names: list[str], labels: Path | None, reports: dict[str, Path | None], csv_out: Path | None) -> None:
    if labels is None and csv_out is None:
        raise RejectedError("name the labels of the testing clips with --labels, or write a --csv of scores only")
    if labels is None and any(reports.values()):
        raise RejectedError("a report needs --labels; --csv alone does not")
    if csv_out is not None and len(names) > 1:
        raise RejectedError(
            f"--csv holds the scores of one profile, not of {', '.join(names)}: evaluate them one at a time"
        )
    for option, path in (*reports.items(), ("--csv", csv_out)):
        if (option, path) != ("--json", _STDOUT):
            check_output(option, path, make_folder=True)


def _reader(fps: float | None, frame_rate: float | None) -> RecordingReader:
    from dataclasses import replace

    from workers.analysis.recordings import RecordingReader

    for option, rate in (("--fps", fps), ("--frame-rate", frame_rate)):
        if rate is not None and not 0 < rate < float("inf"):
            raise RejectedError(f"{option} {rate} must be positive")
    reader = RecordingReader.from_settings(load_settings(), fps)
    return reader if frame_rate is None else replace(reader, frame_rate=frame_rate)


def _evaluate(
    engine: Engine,
    dataset: Dataset,
    reader: RecordingReader,
    false_alarms_per_day: float,
    folds: int,
    csv_out: Path | None,
    csv_scores: ScoreChoice,
) -> ProfileResult | None:
    """One profile; None where there are no labels to compare with."""
    from patchwatch.cli.progress import progress_bar
    from patchwatch.evaluation.evaluation import evaluate_run
    from patchwatch.evaluation.evaluation import run as run_profile

    with progress_bar(f"evaluating {engine.profile.name}") as progress:
        scored = run_profile(engine, dataset, reader, false_alarms_per_day, progress)
        if csv_out is not None:
            _write_csv(csv_out, dataset, scored, csv_scores)
        if dataset.labels is None:
            return None
        return evaluate_run(engine, dataset, reader, scored, folds=folds, progress=progress)


def _write_csv(path: Path, dataset: Dataset, scored: ProfileRun, csv_scores: ScoreChoice) -> None:
    from patchwatch.evaluation.predictions import ScoredBy, write_predictions

    table = StringIO()
    write_predictions(dataset.testing, scored.scores, table, ScoredBy(csv_scores.value))
    write_output("--csv", path, table.getvalue())
    if scored.bank.random_weights:
        typer.echo(f"WARNING: {path} was made with RANDOM CLIP weights", err=True)
