"""``patchwatch evaluate suite``: several scenes measured as one, the worst first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchwatch.cli.commands.evaluate.options import (
    STDOUT,
    Folds,
    HtmlOut,
    JsonOut,
    Profiles,
    check_outputs,
    chosen_profiles,
    recording_reader,
)
from patchwatch.cli.commands.evaluate.report import write_suite_page
from patchwatch.cli.output import print_json, write_output
from patchwatch.contract.settings import load_settings

if TYPE_CHECKING:
    from models.engine.engine import Engine
    from patchwatch.evaluation.suite.scene_runner import Scene
    from patchwatch.evaluation.suite.suite_file import SceneSpec
    from patchwatch.evaluation.suite.suite_report import SuiteReport
    from workers.analysis.recordings import RecordingReader


def suite(
    file: Annotated[Path, typer.Argument(help="TOML file that lists the scenes: docs/evaluation.md shows one.")],
    profile: Profiles = None,
    base: Annotated[
        Path | None, typer.Option(help="Folder that the file's paths are relative to. Default: as the file says.")
    ] = None,
    skip_missing: Annotated[
        bool, typer.Option("--skip-missing", help="Leave out scenes whose files are not there, and say so.")
    ] = False,
    folds: Folds = True,
    json_out: JsonOut = None,
    html_out: HtmlOut = None,
) -> None:
    """Measure profiles on several scenes as the live service would see them: each scene, the worst first, and means.

    Each scene learns from its own normal clips. Compare two reports with `patchwatch evaluate compare`.
    """
    from patchwatch.evaluation.folds import FOLDS
    from patchwatch.evaluation.suite.suite_file import read_suite, split_missing
    from workers.analysis.engine_loader import load_engine

    check_outputs(json=json_out, html=html_out)
    settings, reader = load_settings(), recording_reader(None)
    specs, missing = split_missing(read_suite(file, base), skip=skip_missing)
    for spec, paths in missing:
        typer.echo(f"NOTICE: scene {spec.name} is left out, these are not there: {paths}", err=True)
    engines = [load_engine(settings, name) for name in chosen_profiles(profile)]  # missing weights stop it here
    scenes = _load(specs, reader)
    skipped = [spec for spec, _ in missing]
    report = _measure(engines, scenes, skipped, reader, file, settings.false_alarms_per_day, FOLDS if folds else 0)
    _publish(report, json_out, html_out)


def _load(specs: tuple[SceneSpec, ...], reader: RecordingReader) -> list[Scene]:
    """Every scene, so that labels that do not fit stop it before the work."""
    from patchwatch.cli.progress import progress_bar
    from patchwatch.evaluation.suite.scene_runner import load_scene

    scenes = []
    with progress_bar("reading labels") as progress:
        for number, spec in enumerate(specs):
            progress(number / len(specs), spec.name)
            scenes.append(load_scene(spec, reader))
        progress(1.0, "")
    return scenes


def _measure(
    engines: list[Engine],
    scenes: list[Scene],
    skipped: list[SceneSpec],
    reader: RecordingReader,
    file: Path,
    per_day: float,
    folds: int,
) -> SuiteReport:
    from patchwatch.cli.progress import progress_bar
    from patchwatch.evaluation.suite.suite_runner import build_suite_report, run_suite

    profiles = [
        run_suite(engine, scenes, progress_bar, false_alarms_per_day=per_day, folds=folds) for engine in engines
    ]
    return build_suite_report(
        profiles, scenes, skipped, reader, file=file.name, false_alarms_per_day=per_day, folds=folds
    )


def _publish(report: SuiteReport, json_out: Path | None, html_out: Path | None) -> None:
    from patchwatch.evaluation.suite.text_table import suite_lines

    if html_out:
        write_suite_page(report, html_out)
    if json_out == STDOUT:
        print_json(report.as_json())
        return
    if json_out:
        write_output("--json", json_out, json.dumps(report.as_json()) + "\n")
    for line in suite_lines(report):
        typer.echo(line)
