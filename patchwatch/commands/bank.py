"""``patchwatch bank``: what a camera's bank knows, and how complete it is."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patchwatch.messages.base import checked_camera_id
from patchwatch.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from models.bank import Bank


def bank(
    camera: Annotated[str, typer.Argument(metavar="CAMERA", help="Camera id.")],
    profile: Annotated[str, typer.Option(help="motion, objects, clip, reference, or one of your own.")] = "motion",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a camera's bank was learnt from, its thresholds, and how complete it is."""
    from models.bankfile import load_bank

    path = load_settings().bank_path(checked_camera_id(camera), profile)
    show(load_bank(path), camera, path, as_json=as_json)


def show(bank: Bank, camera: str, path: Path, *, as_json: bool) -> None:
    """Print a bank to stdout; a warning about random weights goes to stderr."""
    from patchwatch.commands.bank_text import bank_lines
    from workers.enrolment.report import report_of

    report = report_of(bank, camera)
    if as_json:
        facts = _facts(bank) | {"camera": camera, "path": str(path), "report": report.model_dump(mode="json")}
        typer.echo(json.dumps(facts))
        return
    if bank.random_weights:
        typer.echo("WARNING: learnt with RANDOM CLIP weights: for tests and benchmarks only", err=True)
    typer.echo(
        f"{camera}: learnt {bank.footage.seconds:.0f} s of normal ({bank.footage.frames} frames) -> bank {bank.id}"
    )
    for line in (str(path), *bank_lines(bank, report)):
        typer.echo(f"  {line}")


def _facts(bank: Bank) -> dict[str, Any]:
    return {
        "profile": bank.profile.name,
        "bank_id": bank.id,
        "created_at": bank.created_at,
        "sources": list(bank.footage.sources),
        "seconds": bank.footage.seconds,
        "frames": bank.footage.frames,
        "cuts": bank.footage.cuts,
        "vectors": bank.footage.vectors,
        "exemplars": {
            spec.name: list(part.vectors.shape) for spec, part in zip(bank.profile.streams, bank.streams, strict=True)
        },
        "threshold_on": bank.rule.on,
        "threshold_off": bank.rule.off,
        "threshold": asdict(bank.threshold.at(bank.false_alarms_per_day)),
        "random_weights": bank.random_weights,
    }
