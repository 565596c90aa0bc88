"""``patchwatch evaluate``: how well profiles tell labelled anomalies from normal."""

from __future__ import annotations

import json
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchwatch.cli.commands.report import write_page
from patchwatch.cli.output_file import check_output, write_output
from patchwatch.contract.errors import RejectedError
from patchwatch.contract.settings import load_settings

if TYPE_CHECKING:
    from models.engine.engine import Engine
    from patchwatch.evaluation.evaluation import Material, Run
    from patchwatch.evaluation.report import ProfileResult
    from workers.analysis.recordings import RecordingReader


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


def evaluate(
    train: Annotated[Path, typer.Option(help="Folder of clips that show normal only: videos, or folders of pictures.")],
    test: Annotated[Path, typer.Option(help="Folder of clips to score.")],
    labels: Annotated[
        Path | None,
        typer.Option(help="Anomalous frames of each testing clip: our JSON, UCSD .m, Avenue .mat, ShanghaiTech .npy."),
    ] = None,
    label_format: Annotated[LabelChoice | None, typer.Option(help="Default: told by the files' endings.")] = None,
    profile: Annotated[
        list[str] | None, typer.Option(help="motion, objects, clip, reference, or one of your own; may be repeated.")
    ] = None,
    fps: Annotated[float | None, typer.Option(help="Analysis rate. Default: PATCHWATCH_ANALYSIS_FPS.")] = None,
    frame_rate: Annotated[
        float | None, typer.Option(help="Frames per second of clips that are folders of pictures. Default: 25.")
    ] = None,
    folds: Annotated[
        bool, typer.Option(help="Count false alarms on training clips held out, fold by fold: takes most of the time.")
    ] = True,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the report here as JSON.")] = None,
    html_out: Annotated[Path | None, typer.Option("--html", help="Write the report here as one HTML page.")] = None,
    csv_out: Annotated[
        Path | None, typer.Option("--csv", help="Write Id,Predicted of every testing frame here; needs no labels.")
    ] = None,
    csv_scores: Annotated[
        ScoreChoice, typer.Option(help="What the CSV holds; `paper` looks into the future.")
    ] = ScoreChoice.SERVICE,
) -> None:
    """Learn from normal clips, score others as the live service would, and print how well that finds what is labelled.

    Several profiles are compared in one table.
    """
    from patchwatch.evaluation.evaluation import gather
    from patchwatch.evaluation.folds import FOLDS
    from patchwatch.evaluation.labels.label_format import LabelFormat
    from patchwatch.evaluation.predictions import frame_ids
    from patchwatch.evaluation.report_builder import report_of
    from patchwatch.evaluation.table import lines
    from workers.analysis.engine_loader import load_engine

    names = list(dict.fromkeys(profile or ["motion"]))
    _check(names, labels, {"--json": json_out, "--html": html_out}, csv_out)
    reader, settings = _reader(fps, frame_rate), load_settings()
    engines = [load_engine(settings, name) for name in names]  # what is missing is said before the minutes of work
    material = gather(train, test, reader, labels, LabelFormat(label_format.value) if label_format else None)
    if csv_out is not None:
        for frames in material.testing:
            frame_ids(frames)  # raises where pictures have no numbers
    if frame_rate is None and material.has_folders:
        typer.echo(
            f"NOTICE: pictures count as {reader.frame_rate:g} a second: say otherwise with --frame-rate", err=True
        )
    per_day, number = settings.false_alarms_per_day, FOLDS if folds else 0
    results = []
    for engine in engines:
        found = _evaluate(engine, material, reader, per_day, number, csv_out, csv_scores)
        results += [found] if found else []
    if not results:
        return
    report = report_of(results, material, reader, train=train, test=test, false_alarms_per_day=per_day, folds=number)
    if json_out:
        write_output("--json", json_out, json.dumps(report.as_json()) + "\n")
    if html_out:
        write_page(report, html_out)
    for line in lines(report.profiles):
        typer.echo(line)


def _check(names: list[str], labels: Path | None, reports: dict[str, Path | None], csv_out: Path | None) -> None:
    if labels is None and csv_out is None:
        raise RejectedError("name the labels of the testing clips with --labels, or write a --csv of scores only")
    if labels is None and any(reports.values()):
        raise RejectedError("a report needs --labels; --csv alone does not")
    if csv_out is not None and len(names) > 1:
        raise RejectedError(f"--csv holds the scores of one profile, not of {', '.join(names)}: run them one by one")
    for option, path in (*reports.items(), ("--csv", csv_out)):
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
    material: Material,
    reader: RecordingReader,
    false_alarms_per_day: float,
    folds: int,
    csv_out: Path | None,
    csv_scores: ScoreChoice,
) -> ProfileResult | None:
    """One profile; None where there are no labels to compare with."""
    from patchwatch.cli.progress import progress_bar
    from patchwatch.evaluation.evaluation import judge_run, run

    with progress_bar(f"evaluating {engine.profile.name}") as progress:
        found = run(engine, material, reader, false_alarms_per_day, progress)
        if csv_out is not None:
            _write_csv(csv_out, material, found, csv_scores)
        if material.labels is None:
            return None
        return judge_run(engine, material, reader, found, folds=folds, progress=progress)


def _write_csv(path: Path, material: Material, found: Run, csv_scores: ScoreChoice) -> None:
    from patchwatch.evaluation.predictions import ScoredBy, write_predictions

    table = StringIO()
    write_predictions(material.testing, found.scores, table, ScoredBy(csv_scores.value))
    write_output("--csv", path, table.getvalue())
    if found.bank.random_weights:
        typer.echo(f"WARNING: {path} was made with RANDOM CLIP weights", err=True)
