"""``patchwatch banks explain``: explains the score of one moment of a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchwatch.cli.commands.banks.enrol import local_source
from patchwatch.cli.options import AnalysisFps, AsJson, BankProfile, profile_of_bank
from patchwatch.cli.output import check_output, write_output
from patchwatch.cli.zone_text import ZoneFile, ZoneTexts, given_zones
from patchwatch.contract.errors import RejectedError
from patchwatch.contract.settings import load_settings
from patchwatch.messages.base import checked_camera_id

if TYPE_CHECKING:
    from patchwatch.messages.alerts.explanation import Explanation, StreamExplanation
    from workers.analysis.recordings import ExplainedFrame

_SUFFIXES = (".html", ".json")
_RAREST = 6.0  # no footage is long enough to support a rarer figure


def explain(
    source: Annotated[str, typer.Argument(help="Recording with the moment.")],
    camera: Annotated[str, typer.Option(help="Camera id whose bank to use.")],
    at: Annotated[float, typer.Option(min=0.0, help="The moment: seconds since the recording began.")],
    profile: BankProfile = None,
    fps: AnalysisFps = None,
    zone: ZoneTexts = None,
    zone_file: ZoneFile = None,
    as_json: AsJson = False,
    out: Annotated[Path | None, typer.Option(help="Write it to this file: a page (.html), or .json.")] = None,
) -> None:
    """Explain a score: each stream's share, the region it looked at, and the nearest normal that the bank holds.

    The recording is scored from its start, exactly as `patchwatch banks score` does.
    """
    from models.banks.bank_file import load_bank
    from patchwatch.cli.commands.banks.alarm_budget import alarm_budget
    from patchwatch.cli.commands.banks.zones import view_to_score
    from workers.analysis.engine_loader import load_engine
    from workers.analysis.recordings import RecordingReader
    from workers.analysis.recordings import explain as explain_recording

    _check_out(out)
    settings = load_settings()
    recording = local_source(source, live=False)
    profile = profile_of_bank(settings, checked_camera_id(camera), profile)
    bank = load_bank(settings.bank_path(camera, profile))
    engine = load_engine(settings, profile)
    view = view_to_score(settings, camera, bank.view, given_zones(zone, zone_file))
    reader = RecordingReader.from_settings(settings, fps, view)
    explained = explain_recording(engine, bank, recording, reader, camera_id=camera, at_s=at)
    threshold = bank.threshold.at(alarm_budget(settings, camera).per_day).on
    if bank.random_weights:
        typer.echo("WARNING: this bank was learnt with RANDOM CLIP weights: for tests and benchmarks only", err=True)
    _show(explained, threshold, out, as_json)


def _show(explained: ExplainedFrame, threshold: float, out: Path | None, as_json: bool) -> None:
    from patchwatch.pages.explanation_page import explanation_page

    explanation = explained.explanation
    as_text = explanation.encode().decode()
    if out is not None:
        html = out.suffix.lower() == ".html"
        write_output("--out", out, explanation_page(explanation, explained.jpeg, threshold) if html else as_text)
    if as_json:
        typer.echo(as_text)
    else:
        typer.echo(table(explanation, threshold) if out is None else str(out))


def _check_out(out: Path | None) -> None:
    if out is not None and out.suffix.lower() not in _SUFFIXES:
        raise RejectedError(f"{out} is neither .html nor .json: name a file with one of these endings after --out")
    check_output("--out", out)


def table(explanation: Explanation, threshold: float) -> str:
    """One paragraph per stream, the largest contribution first."""
    head = (
        f"{explanation.camera_id} at {explanation.at_ms / 1000:.1f} s: score {explanation.score:.3f} "
        f"(alerts above {threshold:.3f}), bank {explanation.bank_id}"
    )
    streams = sorted(explanation.streams, key=lambda stream: -stream.contribution)
    return "\n".join([head, *(line for stream in streams for line in _lines(stream))])


def _lines(stream: StreamExplanation) -> list[str]:
    if stream.rarity is None or stream.distance is None:
        return [f"  {stream.name:<12}  saw nothing that it judges"]
    region = stream.region
    where = f"at {region.x1},{region.y1} to {region.x2},{region.y2}" if region else ""
    first = (
        f"  {stream.name:<12} {stream.contribution:4.0%} of the score: as unusual as {_odds(stream.rarity)} normal "
        f"frames (distance to normal {stream.distance:.3f}) {where}"
    ).rstrip()
    nearest = [
        f"{'':17}nearest normal: {normal.distance:.3f} {normal.source} at {normal.time_s:.1f} s"
        for normal in stream.nearest
    ]
    return [first, *nearest]


def _odds(rarity: float) -> str:
    """A rarity is the negative decimal logarithm of the share of normal frames that are as unusual."""
    if rarity > _RAREST:
        return "fewer than one in a million"
    return f"one in {10**rarity:,.0f}"
