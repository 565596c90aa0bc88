"""A bank in words: first what it means for the user, then the figures behind that."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import typer

from patchwatch.cli.output import print_json
from patchwatch.cli.threshold_text import limits_line, threshold_lines
from patchwatch.messages.banks.enrolment_report import Sufficiency

if TYPE_CHECKING:
    from pathlib import Path

    from models.banks.bank import Bank
    from patchwatch.cli.commands.banks.alarm_budget import AlarmBudget
    from patchwatch.messages.banks.bank_version import BankVersion
    from patchwatch.messages.banks.enrolment_report import EnrolmentReport, StreamReport


def print_bank(
    bank: Bank, version: BankVersion, path: Path, *, budget: AlarmBudget, active: bool, outcome: str, as_json: bool
) -> None:
    """Print a bank to stdout; a warning about random weights goes to stderr.

    The thresholds are those for ``budget``. ``outcome`` says in words what became of a bank just learnt.
    """
    from workers.analysis.bank_report import enrolment_report

    bank = replace(bank, false_alarms_per_day=budget.per_day)
    report = enrolment_report(bank, version.camera_id)
    if as_json:
        place = {"camera": version.camera_id, "path": str(path), "active": active, "outcome": outcome}
        origin = {"origin": version.origin.model_dump(mode="json"), "budget": asdict(budget)}
        print_json(_facts(bank) | place | origin | {"report": report.model_dump(mode="json")})
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
    """What to do next, when alerts open, and what each stream has seen."""
    from workers.analysis.threshold_message import to_message

    threshold = to_message(bank.threshold.at(bank.false_alarms_per_day))
    if report.verdict is Sufficiency.COMPLETE and threshold.warning:
        # "Nothing needs to be done" beside a warning would contradict it.
        advice = f"the footage is complete, but too short for the alarm budget: {threshold.warning}"
        lines = [advice, limits_line(threshold)]
    else:
        lines = [report.next_step, *threshold_lines(threshold)]
    lines += _kinds(report)
    if report.cuts:
        lines.append(f"the footage has {report.cuts} cuts (joined clips?): nothing was learnt across them")
    if report.contexts:
        lines.append(report.contexts.in_words)
    for stream in report.streams:
        lines += _stream_lines(stream, report.frames)
    return lines


def _kinds(report: EnrolmentReport) -> list[str]:
    enough, lacking = report.enough_for(enough=True), report.enough_for(enough=False)
    lines = [f"the footage suffices to tell what is unusual in: {', '.join(enough)}"] if enough else []
    return lines + ([f"it does not suffice yet for: {', '.join(lacking)}"] if lacking else [])


def _stream_lines(stream: StreamReport, frames: int) -> list[str]:
    from models.banks.coverage import COMPLETE_COVERED, COMPLETE_FALL

    if stream.spoke == 0:
        return [f"{stream.name}: saw nothing in {frames} normal frames, so whatever it sees later counts as abnormal"]
    lines = [f"{stream.name}: saw something in {stream.spoke} of {frames} normal frames"]
    if stream.covered is not None:
        lines.append(
            f"  {stream.covered:.0%} of what is seen in one part of the footage also occurs in the other parts "
            f"({_judgement(stream.covered, COMPLETE_COVERED)})"
        )
    if stream.regions:
        lines.append("  the same for each sixteenth of the picture (-: nothing was ever seen there):")
        lines += [f"    {' '.join(_cell(share) for share in row)}" for row in stream.regions]
    if stream.curve:
        last = stream.curve[-1]
        more, helps = max(0.0, last.typical - 1.0), (stream.fall or 0.0) > COMPLETE_FALL
        lines.append(
            f"  with only {last.share:.0%} of the footage, the rest of it would be {more:.0%} farther from normal "
            f"(more footage would {'still' if helps else 'hardly'} help)"
        )
    if stream.radius is not None and stream.spread is not None:
        lines.append(
            f"  for experts: {stream.vectors} vectors, {stream.exemplars} exemplars a seed, covering radius "
            f"{stream.radius:.3g}, spread {stream.spread:.3g}"
        )
    return lines


def _judgement(covered: float, enough: float) -> str:
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
