"""A bank in words: footage, thresholds, how complete it is, and the next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchwatch.commands.threshold_text import threshold_lines

if TYPE_CHECKING:
    from models.bank import Bank
    from patchwatch.messages.enrolment_report import EnrolmentReport, StreamReport


def bank_lines(bank: Bank, report: EnrolmentReport) -> list[str]:
    """Lines of text, without the bank's name and place."""
    from workers.thresholds import told

    lines = threshold_lines(told(bank.threshold.at(bank.false_alarms_per_day)))
    for stream in report.streams:
        lines += _stream_lines(stream, report.frames)
    return [*lines, f"{report.verdict.replace('_', ' ')}: {report.next_step}"]


def _stream_lines(stream: StreamReport, frames: int) -> list[str]:
    if stream.spoke == 0:
        return [f"{stream.name}: found nothing in {frames} normal frames: whatever it finds will count as never seen"]
    lines = [f"{stream.name}: found something in {stream.spoke} of {frames} frames ({stream.vectors} observations)"]
    if stream.radius is not None and stream.spread is not None:
        lines.append(
            f"  remembers {stream.exemplars} of them as examples of normal; the farthest of the others is "
            f"{stream.radius:.3g} from its example (two typical examples are {stream.spread:.3g} apart)"
        )
    if stream.covered is not None:
        where = "; by region of the picture, top left first, in % (low: learn more of that region):"
        lines.append(
            f"  knows {stream.covered:.1%} of the unusual moments of normal footage that it was not shown"
            f"{where if stream.regions else ''}"
        )
    lines += [f"    {' '.join(_cell(share) for share in row)}" for row in stream.regions or ()]
    if stream.curve:
        steps = ", ".join(f"{point.typical:.2f} with {point.share:.0%}" for point in stream.curve)
        lines.append(
            "  more footage helps while these numbers fall (how unusual later normal looks after learning a part of "
            f"the footage; 1 is after nearly all of it): {steps}"
        )
    return lines


def _cell(share: float | None) -> str:
    return "  -" if share is None else f"{100 * share:3.0f}"
