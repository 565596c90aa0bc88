"""A comparison of two suites as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from patchwatch.evaluation.report.columns import Row, aligned
from patchwatch.evaluation.suite.cells import with_interval
from patchwatch.evaluation.suite.comparison import POOLED, Difference, SuiteComparison, Verdict
from patchwatch.evaluation.suite.figure import RANKING
from patchwatch.evaluation.suite.suite_file import Role


def comparison_lines(comparison: SuiteComparison) -> Iterator[str]:
    """Differences beyond their noise, then those of the main figures; the others are counted."""
    for setting in comparison.settings:
        yield f"{setting.name}: {setting.before} -> {setting.after}"
    yield from comparison.not_compared
    claimed = [difference for difference in comparison.differences if difference.claimed]
    main = [difference for difference in comparison.differences if not difference.claimed and _is_main(difference)]
    if claimed or main:
        yield from aligned([_HEAD, *map(_row, claimed), *map(_row, main)])
    yield from _counts(comparison.differences, len(main))


_HEAD = ("profile", "scene", "role", "figure", "before", "after", "change", "95 % of it", "over", "verdict")


def _is_main(difference: Difference) -> bool:
    is_same = difference.verdict is Verdict.SAME
    return not is_same and (difference.figure == RANKING or difference.scene == POOLED)


def _row(difference: Difference) -> Row:
    name, noun = difference.figure, "scenes" if difference.scene == POOLED else "clips"
    before, after = (with_interval(name, value, None) for value in (difference.before, difference.after))
    spread = "-" if difference.interval is None else "{:+.3f} to {:+.3f}".format(*difference.interval)
    return (
        difference.profile, difference.scene, _role(difference), name, before, after, f"{difference.change:+.3f}",
        spread, f"{difference.units} {noun if difference.units > 1 else noun[:-1]}", difference.verdict,
    )  # fmt: skip


def _role(difference: Difference) -> str:
    return "all" if difference.role is None else Role(difference.role).value


def _counts(differences: Sequence[Difference], shown: int) -> Iterator[str]:
    claimed = sum(difference.claimed for difference in differences)
    same = sum(difference.verdict is Verdict.SAME for difference in differences)
    rest = len(differences) - claimed - same - shown
    yield f"{claimed} of {len(differences)} figures differ by more than their noise; {same} are the same"
    if rest:
        yield f"{rest} others are within noise or of too few clips: --json lists them"
    if claimed:
        yield "one in twenty figures that did not change looks as if it had: judge by those that move together"
