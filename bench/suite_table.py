"""The record of the suite as a table for docs/figures.md: each profile, the worst scene first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.measure import RESULTS
from patchwatch.evaluation.report.budget_result import HEADLINE_BUDGET
from patchwatch.evaluation.suite import cells
from patchwatch.evaluation.suite.figure import NORMAL_ABOVE, RANKING, false_alarms_at, recall_at
from patchwatch.evaluation.suite.scene_result import Pool, SceneResult, SuiteProfile
from patchwatch.evaluation.suite.stored_report import read_report
from patchwatch.evaluation.suite.suite_report import SceneEntry, SuiteReport

AREAS = (RANKING, "macro AUROC", "AUPR", NORMAL_ABOVE)
_HEAD = ("profile", "scene", *AREAS, "events", "in time", "false alarms an hour")


def suite_table(record: Path | None = None) -> str:
    """The table, and by which commits its profiles were measured where that was not one; empty where there is no
    record."""
    path = record or RESULTS / "suite.json"
    if not path.exists():
        return ""
    report = read_report(path)
    if not isinstance(report, SuiteReport):
        raise SystemExit(f"{path} is not of a suite: run `python -m bench.suite`")
    rows = [row for profile in report.profiles for row in _rows(report, profile)]
    lines = (f"| {' | '.join(row)} |" for row in (_HEAD, ("---",) * len(_HEAD), *rows))
    return "\n".join(lines) + "\n" + _commits(json.loads(path.read_text()))


def _commits(tree: dict[str, Any]) -> str:
    """``tree``: the record. Profiles of one that was written before they were measured apart do not say it."""
    profiles = {profile["profile"]: profile.get("commit", tree["commit"]) for profile in tree["profiles"]}
    if len(set(profiles.values())) < 2:
        return ""
    return f"\nMeasured by commits: {', '.join(f'`{name}` {commit}' for name, commit in profiles.items())}.\n"


def _rows(report: SuiteReport, profile: SuiteProfile) -> Iterator[tuple[str, ...]]:
    for scene in profile.scenes:
        yield (f"`{profile.label}`", f"{scene.scene} ({scene.role})", *_of_scene(report.scene(scene.scene), scene))
    for pool in profile.pools:
        yield (f"`{profile.label}`", f"**{cells.pool_name(pool)}**", *_of_pool(pool))


def _of_scene(entry: SceneEntry, scene: SceneResult) -> tuple[str, ...]:
    if scene.failed is not None:
        return (f"not measured: {scene.failed}", *("",) * (len(_HEAD) - 3))
    return (
        *(cells.figure_cell(scene, name) for name in AREAS), cells.events_cell(scene, HEADLINE_BUDGET),
        cells.in_time_cell(entry, scene, HEADLINE_BUDGET), cells.false_alarms_cell(scene, HEADLINE_BUDGET),
    )  # fmt: skip


def _of_pool(pool: Pool) -> tuple[str, ...]:
    figures = (*AREAS, recall_at(HEADLINE_BUDGET), "", false_alarms_at(HEADLINE_BUDGET))
    return tuple(cells.pooled_cell(pool, name) if name else "" for name in figures)
