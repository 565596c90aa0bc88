"""``patchwatch evaluate``: how well a profile tells labelled anomalies from normal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchwatch.errors import RejectedError
from patchwatch.settings import load_settings

if TYPE_CHECKING:
    from workers.evaluation.report import Report


def evaluate(
    train: Annotated[Path, typer.Option(help="Folder of clips that show normal only.")],
    test: Annotated[Path, typer.Option(help="Folder of labelled clips.")],
    labels: Annotated[Path, typer.Option(help="JSON file with the anomalous frame ranges of each testing clip.")],
    profile: Annotated[str, typer.Option(help="motion, clip, reference, or one of your own.")] = "motion",
    fps: Annotated[float | None, typer.Option(help="Analysis rate. Default: PATCHWATCH_ANALYSIS_FPS.")] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the report here as JSON.")] = None,
) -> None:
    """Learn from normal clips, score labelled ones as the live service would, and print the AUROC."""
    from patchwatch.commands.progress import progress_bar
    from workers.evaluation.evaluation import evaluate as run_evaluation
    from workers.evaluation.labels import load_labels
    from workers.offline import Reader, load_engine

    if fps is not None and not fps > 0:
        raise RejectedError(f"--fps {fps} must be positive")
    if json_out:
        _prepare(json_out)  # before the minutes of work, not after
    settings = load_settings()
    known = load_labels(labels)
    with progress_bar(f"evaluating {profile}") as report:
        engine = load_engine(settings, profile)
        found = run_evaluation(engine, Reader.of(settings, fps), train=train, test=test, labels=known, progress=report)
    if json_out:
        _write(found, json_out)
    _print(found)


def _prepare(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("a").close()
    except OSError as error:
        raise RejectedError(f"--json {path}: {error.strerror}") from None


def _write(found: Report, path: Path) -> None:
    try:
        path.write_text(json.dumps(found.as_json(), indent=2) + "\n")
    except OSError as error:
        raise RejectedError(f"--json {path}: {error.strerror}") from None


def _print(found: Report) -> None:
    if found.random_weights:
        typer.echo("WARNING: RANDOM CLIP weights: these figures say nothing about the profile", err=True)
    typer.echo(
        f"{found.profile} at {found.fps:g} fps: learnt from {found.training_clips} clips, "
        f"{len(found.clips)} clips with {found.frames} frames scored"
    )
    typer.echo(f"{'AUROC':<34}{'micro':>8}{'macro':>8}")
    rows = [("service (causal, as live)", found.service), ("unsmoothed", found.unsmoothed)]
    for name, areas in rows:
        typer.echo(f"{name:<34}{_figure(areas.micro_auroc):>8}{_figure(areas.macro_auroc):>8}")
    for clip in found.clips:
        name = f"  {clip.name}: {clip.anomalous} of {clip.frames} anomalous"
        typer.echo(f"{name:<34}{_figure(clip.service):>8}{_figure(clip.unsmoothed):>8}  (service, unsmoothed)")


def _figure(area: float | None) -> str:
    return "-" if area is None else f"{area:.3f}"
