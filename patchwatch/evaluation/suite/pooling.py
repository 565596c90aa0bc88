"""Figures of several scenes as their mean, with the scene where each is worst."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from patchwatch.evaluation.folds import is_within
from patchwatch.evaluation.suite.figure import Figure, figures
from patchwatch.evaluation.suite.resampling import mean_over_scenes, resampled, stated_interval
from patchwatch.evaluation.suite.scene_result import FalseAlarmCheck, Pool, PooledFigure, SceneResult
from patchwatch.evaluation.suite.suite_file import Role


def pools(scenes: Sequence[SceneResult]) -> tuple[Pool, ...]:
    """The held-out scenes, which say what to expect elsewhere, those of the design, and all. Scenes that could not be
    measured are in none."""
    measured = [scene for scene in scenes if scene.failed is None]
    chosen = {role: [scene for scene in measured if scene.role is role] for role in (Role.HELD_OUT, Role.DESIGN)}
    if not all(chosen.values()):
        return tuple(_pool(role, of_role) for role, of_role in chosen.items() if of_role)
    return (*(_pool(role, of_role) for role, of_role in chosen.items()), _pool(None, measured))


def _pool(role: Role | None, scenes: Sequence[SceneResult]) -> Pool:
    budgets = dict.fromkeys(budget for scene in scenes for budget in scene.budgets)
    pooled = (_pooled(figure, scenes) for figure in figures(tuple(budgets)))
    names = tuple(scene.scene for scene in scenes)
    checks = (_checked_together(budget, scenes) for budget in budgets)
    return Pool(
        role,
        names,
        tuple(figure for figure in pooled if figure is not None),
        tuple(check for check in checks if check is not None),
    )


def _checked_together(budget: str, scenes: Sequence[SceneResult]) -> FalseAlarmCheck | None:
    """Counts add up, and so does what is expected, whatever the scenes have in common."""
    checks = [check for scene in scenes if (check := scene.check(budget)) is not None]
    if not checks:
        return None
    seen = sum(check.false_alarms for check in checks)
    expected = (sum(check.expected[0] for check in checks), sum(check.expected[1] for check in checks))
    clips = (sum(check.held_out_clips for check in checks), sum(check.normal_clips for check in checks))
    hours = sum(check.hours for check in checks)
    return FalseAlarmCheck(budget, *clips, hours, seen, expected, is_within(seen, expected))


def _pooled(figure: Figure, scenes: Sequence[SceneResult]) -> PooledFigure | None:
    values = dict(_values(figure, scenes))
    if not values:
        return None
    worst = (min if figure.higher_is_better else max)(values, key=values.__getitem__)
    known = [scene for scene in scenes if scene.scene in values]
    means = mean_over_scenes([resampled(figure, scene.tally) for scene in known])
    mean = sum(values.values()) / len(values)
    return PooledFigure(figure.name, len(known), mean, stated_interval(means, len(known)), worst, values[worst])


def _values(figure: Figure, scenes: Sequence[SceneResult]) -> Iterator[tuple[str, float]]:
    for scene in scenes:
        value = scene.figure(figure.name).value
        if value is not None:
            yield scene.scene, value
