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
    if report.cuts:
        lines.append(f"the picture jumps {report.cuts} times within the footage (joined clips?): nothing learnt across")
    for stream in report.streams:
        lines += _stream_lines(stream, report.frames)
    return [*lines, f"{report.verdict.replace('_', ' ')}: {report.next_step}"]


def _stream_lines(stream: StreamReport, frames: int) -> list[str]:
    if stream.spoke == 0:
        return [f"{stream.name}: found nothing in {frames} normal frames: whatever it finds will count as never seen"]
    lines = [f"{stream.name}: {stream.vectors} vectors in {stream.spoke} of {frames} frames"]
    if stream.radius is not None and stream.spread is not None:
        lines.append(
            f"  {stream.exemplars} exemplars a seed, covering radius {stream.radius:.3g}, spread {stream.spread:.3g}"
        )
    if stream.covered is not None:
        where = ", in % by image region:" if stream.regions else ""
        lines.append(f"  {stream.covered:.1%} of what stands out in held-out footage is near the bank{where}")
    lines += [f"    {' '.join(_cell(share) for share in row)}" for row in stream.regions or ()]
    if stream.curve:
        shares = ", ".join(f"{point.share:.0%}" for point in stream.curve)
        ratios = ", ".join(f"{point.typical:.2f}" for point in stream.curve)
        lines.append(f"  later footage, with {shares} of the footage, lies {ratios} times as far as with nearly all")
    return lines


def _cell(share: float | None) -> str:
    return "  -" if share is None else f"{100 * share:3.0f}"
