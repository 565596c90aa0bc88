"""The report of a suite as text for a terminal, the worst scene first."""

from __future__ import annotations

from collections.abc import Iterator

from patchwatch.evaluation.report.columns import Row, aligned
from patchwatch.evaluation.report.formatting import duration
from patchwatch.evaluation.suite.cells import (
    AREAS,
    NOTHING,
    check_cell,
    delay_cell,
    early_cell,
    events_cell,
    false_alarms_cell,
    figure_cell,
    in_time_cell,
    pool_name,
    pool_size,
    pooled_cell,
    worst_sentence,
)
from patchwatch.evaluation.suite.figure import NORMAL_ABOVE, delay_at, false_alarms_at, in_time_at, recall_at
from patchwatch.evaluation.suite.scene_result import Pool, SceneResult, SuiteProfile
from patchwatch.evaluation.suite.suite_file import Role
from patchwatch.evaluation.suite.suite_report import SceneEntry, SuiteReport

_RANDOM = "WARNING: RANDOM weights: its figures say nothing about the profile"


def suite_lines(report: SuiteReport) -> Iterator[str]:
    """Which scenes took part in the design, then each profile with its worst scene first."""
    yield from _roles(report)
    for profile in report.profiles:
        yield ""
        yield from _profile(report, profile)
    yield ""
    yield from _guide()


def _roles(report: SuiteReport) -> Iterator[str]:
    yield f"took part in the design: {_names(report.of_role(Role.DESIGN))}"
    yield f"held out of it: {_names(report.of_role(Role.HELD_OUT))}"
    if report.skipped:
        yield f"left out, because their files are not there: {_names(tuple(scene.name for scene in report.skipped))}"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"


def _profile(report: SuiteReport, profile: SuiteProfile) -> Iterator[str]:
    yield f"{profile.label}: {worst_sentence(profile)}"
    if profile.random_weights:
        yield _RANDOM
    head = ("  scene", "role", "learnt", *(f"{name} [95 %]" for name in AREAS), "normal > 99 %")
    rows = [*map(_areas, profile.scenes), *map(_pooled_areas, profile.pools)]
    yield from aligned([head, *rows])
    yield ""
    head = (
        "  scene",
        "role",
        "budget",
        "events [95 %]",
        "in time",
        "early",
        "delay s",
        "false/h [95 %]",
        "all normal",
    )
    alarms = [row for scene in profile.scenes for row in _alarms(report.scene(scene.scene), scene)]
    pooled = [row for pool in profile.pools for row in _pooled_alarms(pool, profile.budgets)]
    yield from aligned([head, *alarms, *pooled])
    for pool in profile.pools[:1]:
        yield f"  worst of {pool_size(pool)}: {_worst(pool)}"
    yield from _notes(profile)


def _areas(scene: SceneResult) -> Row:
    if scene.failed is not None or scene.training is None:
        return (f"  {scene.scene}", scene.role, f"not measured: {scene.failed}")
    cells = (figure_cell(scene, name) for name in (*AREAS, NORMAL_ABOVE))
    return (f"  {scene.scene}", scene.role, duration(scene.training.seconds), *cells)


def _pooled_areas(pool: Pool) -> Row:
    return (f"  {pool_name(pool)}", "", "", *(pooled_cell(pool, name) for name in (*AREAS, NORMAL_ABOVE)))


def _alarms(entry: SceneEntry, scene: SceneResult) -> Iterator[Row]:
    for number, budget in enumerate(scene.budgets):
        names = (f"  {scene.scene}", scene.role) if number == 0 else ("", "")
        yield (
            *names, budget, events_cell(scene, budget), in_time_cell(entry, scene, budget), early_cell(scene, budget),
            delay_cell(scene, budget), false_alarms_cell(scene, budget), check_cell(scene, budget),
        )  # fmt: skip


def _pooled_alarms(pool: Pool, budgets: tuple[str, ...]) -> Iterator[Row]:
    for number, budget in enumerate(budgets):
        recall, in_time, alarms, delay = (
            pooled_cell(pool, name(budget)) for name in (recall_at, in_time_at, false_alarms_at, delay_at)
        )
        name = f"  {pool_name(pool)}" if number == 0 else ""
        yield (name, "", budget, recall, in_time, "", delay, alarms, check_cell(pool, budget))


def _worst(pool: Pool) -> str:
    """For each figure of the ranking the scene where it is worst, where there are several."""
    figures = [figure for name in (*AREAS, NORMAL_ABOVE) if (figure := pool.figure(name)) is not None]
    return ", ".join(f"{figure.name} {figure.worst}" for figure in figures if figure.scenes > 1) or NOTHING


def _notes(profile: SuiteProfile) -> Iterator[str]:
    for scene in profile.scenes:
        yield from (f"  note, {scene.scene}: {note}" for note in scene.notes)


def _guide() -> Iterator[str]:
    yield "design: the scene took part in choosing streams, weights or thresholds, so its figures flatter"
    yield "[ ]: 95 %, bootstrap over clips, for means over scenes and clips; -: not defined, as with one class only"
    yield "normal > 99 %: share of normal testing frames stranger than 99 % of the held-out normal ones; 1 % is stated"
    yield "in time: alarm after the onset and within the scene's limit; early: alarm was open before the onset"
    yield "all normal: false alarms on held-out training clips and on testing clips without anomaly, against the"
    yield "interval that the calibration states for so long"
