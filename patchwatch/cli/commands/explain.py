"""``patchwatch explain``: why a moment of a recording scores what it does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchwatch.cli.commands.enroll import local_source
from patchwatch.cli.output_file import check_output, write_output
from patchwatch.contract.errors import RejectedError
from patchwatch.contract.settings import load_settings
from patchwatch.messages.base import checked_camera_id

if TYPE_CHECKING:
    from patchwatch.messages.explanation import Explanation, StreamExplanation

_SUFFIXES = (".html", ".json")
_RAREST = 6.0  # beyond, the number says more than the footage can


def explain(
    source: Annotated[str, typer.Argument(help="Recording with the moment.")],
    camera: Annotated[str, typer.Option(help="Camera id whose bank to use.")],
    at: Annotated[float, typer.Option(min=0.0, help="The moment: seconds since the recording began.")],
    profile: Annotated[str, typer.Option()] = "motion",
    fps: Annotated[float | None, typer.Option(help="Analysis rate. Default: PATCHWATCH_ANALYSIS_FPS.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the explanation as JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write it here: a page to look at (.html), or .json.")] = None,
) -> None:
    """Explain a score: each stream's share, the region it looked at, and the nearest normal it knows.

    The recording is scored from its start, exactly as `patchwatch score` does.
    """
    from models.banks.bank_file import load_bank
    from patchwatch.cli.alarm_budget import budget_of
    from patchwatch.cli.explanation_page import page
    from workers.analysis.engine_loader import load_engine
    from workers.analysis.recordings import RecordingReader
    from workers.analysis.recordings import explain as explain_recording

    if out is not None and out.suffix.lower() not in _SUFFIXES:
        raise RejectedError(f"{out} is neither .html nor .json: name a file with one of these endings after --out")
    check_output("--out", out)
    settings = load_settings()
    opened = local_source(source, live=False)
    checked_camera_id(camera)
    bank = load_bank(settings.bank_path(camera, profile))
    engine = load_engine(settings, profile)
    found = explain_recording(
        engine, bank, opened, RecordingReader.from_settings(settings, fps), camera_id=camera, at_s=at
    )
    explanation = found.explanation
    threshold = bank.threshold.at(budget_of(settings, camera).per_day).on
    if bank.random_weights:
        typer.echo("WARNING: this bank was learnt with RANDOM CLIP weights: for tests and benchmarks only", err=True)
    if out is not None:
        html = out.suffix.lower() == ".html"
        text = page(explanation, found.jpeg, threshold) if html else explanation.encode().decode()
        write_output("--out", out, text)
    if as_json:
        typer.echo(explanation.encode().decode())
    elif out is None:
        typer.echo(table(explanation, threshold))
    else:
        typer.echo(str(out))


def table(explanation: Explanation, threshold: float) -> str:
    """Lines for people: what each stream adds, most first."""
    head = (
        f"{explanation.camera_id} at {explanation.at_ms / 1000:.1f} s: score {explanation.score:.3f} "
        f"(alerts above {threshold:.3f}), bank {explanation.bank_id}"
    )
    streams = sorted(explanation.streams, key=lambda stream: -stream.contribution)
    return "\n".join([head, *(line for stream in streams for line in _lines(stream))])


def _lines(stream: StreamExplanation) -> list[str]:
    if stream.rarity is None or stream.distance is None:
        return [f"  {stream.name:<12}  saw nothing to judge"]
    region = stream.region
    where = f"at {region.x1},{region.y1} to {region.x2},{region.y2}" if region else ""
    first = (
        f"  {stream.name:<12} {stream.contribution:4.0%} of the score: as unusual as {_odds(stream.rarity)} normal "
        f"frames (distance to normal {stream.distance:.3f}) {where}"
    ).rstrip()
    nearest = [
        f"{'':17}nearest normal: {one.distance:.3f} {one.source} at {one.time_s:.1f} s" for one in stream.nearest
    ]
    return [first, *nearest]


def _odds(rarity: float) -> str:
    """A rarity is the negative decimal logarithm of the share of normal frames that are as unusual."""
    if rarity > _RAREST:
        return "fewer than one in a million"
    return f"one in {10**rarity:,.0f}"
