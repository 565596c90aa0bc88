"""A bank in words: what it means for the user first, then what that rests on."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import typer

from patchwatch.cli.threshold_text import limits_line, threshold_lines
from patchwatch.messages.enrolment_report import Sufficiency

if TYPE_CHECKING:
    from pathlib import Path

    from models.banks.bank import Bank
    from patchwatch.cli.alarm_budget import AlarmBudget
    from patchwatch.messages.bank_version import BankVersion
    from patchwatch.messages.enrolment_report import EnrolmentReport, StreamReport


def show(
    bank: Bank, version: BankVersion, path: Path, *, budget: AlarmBudget, active: bool, outcome: str, as_json: bool
) -> None:
    """Print a bank to stdout; a warning about random weights goes to stderr.

    ``budget``: the camera's; the thresholds are those for it. ``outcome``: what became of a new one.
    """
    from workers.enrolment.bank_versions import enrolment_report

    bank = replace(bank, false_alarms_per_day=budget.per_day)
    report = enrolment_report(bank, version.camera_id)
    if as_json:
        origin = version.origin.model_dump(mode="json")
        known: dict[str, Any] = {
            "camera": version.camera_id,
            "path": str(path),
            "active": active,
            "outcome": outcome,
            "origin": origin,
        }
        known["budget"] = asdict(budget)
        typer.echo(json.dumps(_facts(bank) | known | {"report": report.model_dump(mode="json")}))
        return
    if bank.random_weights:
        typer.echo("WARNING: learnt with RANDOM CLIP weights: for tests and benchmarks only", err=True)
    typer.echo(
        f"{version.camera_id}: learnt {bank.footage.seconds:.0f} s of normal ({bank.footage.frames} frames) "
        f"-> bank {bank.id}{'' if active else ', not active'}"
    )
    for line in (*([outcome] if outcome else []), *bank_lines(bank, report), budget.line, f"file: {path}"):
        typer.echo(f"  {line}")


def bank_lines(bank: Bank, report: EnrolmentReport) -> list[str]:
    """Lines of text, without the bank's name and place."""
    from workers.analysis.threshold_message import to_message

    threshold = to_message(bank.threshold.at(bank.false_alarms_per_day))
    if report.verdict is Sufficiency.COMPLETE and threshold.warning:  # not "nothing to do" and a warning beside it
        first = f"what this footage shows is known, but it is too short for the alarm budget: {threshold.warning}"
        lines = [first, limits_line(threshold)]
    else:
        lines = [report.next_step, *threshold_lines(threshold)]
    if report.cuts:
        lines.append(f"the picture jumps {report.cuts} times within the footage (joined clips?): nothing learnt across")
    for stream in report.streams:
        lines += _stream_lines(stream, report.frames)
    return lines


def _stream_lines(stream: StreamReport, frames: int) -> list[str]:
    from models.banks.coverage import COMPLETE_COVERED, COMPLETE_FALL

    if stream.spoke == 0:
        return [f"{stream.name}: saw nothing in {frames} normal frames: whatever it sees will count as never seen"]
    lines = [f"{stream.name}: saw something in {stream.spoke} of {frames} normal frames"]
    if stream.covered is not None:
        lines.append(
            f"  {stream.covered:.0%} of what stood out in one part of the footage was known from the other parts "
            f"({_worth(stream.covered, COMPLETE_COVERED)})"
        )
    if stream.regions:
        lines.append("  the same for each sixteenth of the picture, as it lies there (-: nothing ever stood out):")
        lines += [f"    {' '.join(_cell(share) for share in row)}" for row in stream.regions]
    if stream.curve:
        last = stream.curve[-1]
        more = max(0.0, last.typical - 1.0)
        lines.append(
            f"  learnt from the first {last.share:.0%} alone, later frames would look {more:.0%} stranger "
            f"({'more footage would still help' if more > COMPLETE_FALL else 'little to gain'})"
        )
    if stream.radius is not None and stream.spread is not None:
        lines.append(
            f"  for experts: {stream.vectors} vectors, {stream.exemplars} exemplars a seed, covering radius "
            f"{stream.radius:.3g}, spread {stream.spread:.3g}"
        )
    return lines


def _worth(covered: float, enough: float) -> str:
    return f"{enough:.0%} or more is good" if covered >= enough else f"below {enough:.0%}: more footage is needed"


def _cell(share: float | None) -> str:
    return "   -" if share is None else f"{100 * share:3.0f}%"


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
