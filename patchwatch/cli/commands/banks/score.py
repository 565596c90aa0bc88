"""``patchwatch banks score``: scores a recording with a camera's bank, without a service."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patchwatch.cli.commands.banks.enrol import local_source
from patchwatch.cli.options import AnalysisFps, BankProfile, profile_of_bank
from patchwatch.cli.output import check_output, writing
from patchwatch.cli.zone_text import ZoneFile, ZoneTexts, given_zones
from patchwatch.contract.settings import load_settings
from patchwatch.messages.base import checked_camera_id
from patchwatch.messages.frames.score import Region

if TYPE_CHECKING:
    from workers.analysis.recordings import RecordingScore


class ScoreFormat(StrEnum):
    """How scores are written."""

    CSV = "csv"
    JSON = "json"


def score(
    source: Annotated[str, typer.Argument(help="Recording to score, or rtsp:// with --seconds.")],
    camera: Annotated[str, typer.Option(help="Camera id whose bank to use.")],
    profile: BankProfile = None,
    fps: AnalysisFps = None,
    zone: ZoneTexts = None,
    zone_file: ZoneFile = None,
    seconds: Annotated[float | None, typer.Option(help="Read at most this much.")] = None,
    form: Annotated[ScoreFormat, typer.Option("--format", help="csv, or json: one object per line.")] = ScoreFormat.CSV,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write here instead of to the terminal.")] = None,
) -> None:
    """Score a recording exactly as the live path would: one line per analysed frame."""
    from dataclasses import replace

    from models.banks.bank_file import load_bank
    from patchwatch.cli.commands.banks.alarm_budget import alarm_budget
    from patchwatch.cli.commands.banks.zones import view_to_score
    from patchwatch.cli.progress import progress_bar
    from workers.analysis.engine_loader import load_engine
    from workers.analysis.recordings import RecordingReader
    from workers.analysis.recordings import score as score_recording

    check_output("--out", out)
    settings = load_settings()
    recording = local_source(source, live=seconds is not None)
    profile = profile_of_bank(settings, checked_camera_id(camera), profile)
    bank = load_bank(settings.bank_path(camera, profile))
    bank = replace(bank, false_alarms_per_day=alarm_budget(settings, camera).per_day)
    engine = load_engine(settings, profile)
    if bank.random_weights:
        typer.echo("WARNING: this bank was learnt with RANDOM CLIP weights: for tests and benchmarks only", err=True)
    view = view_to_score(settings, camera, bank.view, given_zones(zone, zone_file))
    reader = replace(RecordingReader.from_settings(settings, fps, view), limit_s=seconds)
    names = list(bank.profile.readings)
    quiet = out is None and sys.stdout.isatty()
    with progress_bar(f"scoring {camera}", hidden=quiet) as report:
        rows = _with_progress(score_recording(engine, bank, recording, reader), _length_s(recording, reader), report)
        with _opened(out) as stream:
            _write(rows, names, stream, ScoreFormat.JSON if as_json else form)


@contextmanager
def _opened(out: Path | None) -> Iterator[Any]:
    if out is None:
        yield sys.stdout
        return
    with writing("--out", out), out.open("w", newline="", encoding="utf-8") as file:
        yield file


def _length_s(recording: str | Path, reader: Any) -> float | None:
    if reader.limit_s or isinstance(recording, str):
        return float(reader.limit_s)
    with reader.open(recording) as video:
        return None if video.duration_s is None else float(video.duration_s)


def _with_progress(rows: Any, length_s: float | None, report: Any) -> Any:
    """The same rows; after the last one it says what was wrong with the pictures."""
    wrong: list[str] = []
    for row in rows:
        wrong.extend(row.opened)
        report(min(1.0, row.media_time_s / length_s) if length_s else 0.5, f"{row.media_time_s:.0f} s")
        yield row
    for what in wrong:
        typer.echo(f"WARNING: {what}", err=True)


def _write(rows: Any, names: list[str], stream: Any, form: ScoreFormat) -> None:
    header = ["time_s", "raw", "unsmoothed", "score", "driver", "x1", "y1", "x2", "y2", *names, "alert"]
    table = csv.writer(stream)
    if form is ScoreFormat.CSV:
        table.writerow(header)
    for row in rows:
        cells = _cells(row)
        if form is ScoreFormat.CSV:
            table.writerow("" if cell is None else cell for cell in cells)
        else:
            stream.write(json.dumps(dict(zip(header, cells, strict=True))) + "\n")


def _cells(row: RecordingScore) -> list[object]:
    score = row.score
    box: Sequence[int | None] = [None] * 4
    if score.box_xyxy_px is not None:
        size, source_size = (row.width, row.height), (row.source_width, row.source_height)
        box = Region.scaled(score.box_xyxy_px, size, source_size).corners
    return [
        round(row.media_time_s, 6), score.raw, score.unsmoothed, score.score, score.driver, *box,
        *score.rarities, int(score.event_open),
    ]  # fmt: skip
