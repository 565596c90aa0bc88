"""The figures of a suite as people read them, each in one cell of a table."""

from __future__ import annotations

from patchwatch.evaluation.report.formatting import count_interval, duration, percent, quantity
from patchwatch.evaluation.report.protocol import Interval
from patchwatch.evaluation.suite.figure import (
    NORMAL_ABOVE,
    RANKING,
    delay_at,
    false_alarms_at,
    in_time_at,
    recall_at,
    slow_delay_at,
)
from patchwatch.evaluation.suite.scene_result import Pool, PooledFigure, SceneResult, SuiteProfile
from patchwatch.evaluation.suite.suite_report import SceneEntry

NOTHING = "-"
AREAS = (RANKING, "macro AUROC", "AUPR", "RBDC", "TBDC")


def worst_sentence(profile: SuiteProfile) -> str:
    """Which scene is worst, and by what."""
    failed = [scene.scene for scene in profile.scenes if scene.failed is not None]
    parts = [f"{', '.join(failed)} could not be measured"] if failed else []
    if profile.worst is not None and profile.worst.figure(RANKING).value is not None:
        parts.append(f"worst is {_scene_figure(profile.worst, RANKING)}")
    strangest = profile.strangest
    if strangest is not None:
        parts.append(f"normal footage looks strangest in {_scene_figure(strangest, NORMAL_ABOVE)}")
    return "; ".join(parts)


def _scene_figure(scene: SceneResult, name: str) -> str:
    return f"{scene.scene} ({scene.role}): {name} {_value(name, scene.figure(name).value)}"


def pool_name(pool: Pool) -> str:
    """``mean of 3 held-out scenes``."""
    return f"mean of {pool_size(pool)}"


def pool_size(pool: Pool) -> str:
    """``3 held-out scenes``."""
    return quantity(len(pool.scenes), "scene" if pool.role is None else f"{pool.role} scene")


def pooled_cell(pool: Pool, name: str) -> str:
    """A mean with its interval, the number of scenes where not all have the figure, and the worst of them."""
    figure = pool.figure(name)
    if figure is None:
        return NOTHING
    return with_interval(name, figure.mean, figure.interval) + _few(pool, figure)


def _few(pool: Pool, figure: PooledFigure) -> str:
    return "" if figure.scenes == len(pool.scenes) else f" ({quantity(figure.scenes, 'scene')})"


def figure_cell(scene: SceneResult, name: str) -> str:
    """A figure with its interval."""
    figure = scene.figure(name)
    return with_interval(name, figure.value, figure.interval)


def false_alarms_cell(scene: SceneResult, budget: str) -> str:
    """Of all testing clips, per hour of normal frames."""
    return figure_cell(scene, false_alarms_at(budget))


def events_cell(scene: SceneResult, budget: str) -> str:
    """``12/15 [0.5, 1]``."""
    tallies = scene.tally.at(budget)
    labelled = sum(tally.labelled for tally in tallies)
    if not labelled:
        return NOTHING
    spread = scene.figure(recall_at(budget)).interval
    return f"{sum(tally.detected for tally in tallies)}/{labelled}" + ("" if spread is None else f" {_range(spread)}")


def in_time_cell(entry: SceneEntry, scene: SceneResult, budget: str) -> str:
    """``9 in 1.5 s``; nothing where the scene has no limit."""
    if entry.events_within_s is None or scene.figure(in_time_at(budget)).value is None:
        return NOTHING
    return f"{sum(tally.in_time or 0 for tally in scene.tally.at(budget))} in {entry.events_within_s:g} s"


def early_cell(scene: SceneResult, budget: str) -> str:
    """Events whose alarm was open before they began."""
    tallies = scene.tally.at(budget)
    return str(sum(tally.opened_early for tally in tallies)) if any(tally.labelled for tally in tallies) else NOTHING


def delay_cell(scene: SceneResult, budget: str) -> str:
    """Median and 90th percentile."""
    median_s, p90_s = (scene.figure(name(budget)).value for name in (delay_at, slow_delay_at))
    return NOTHING if median_s is None or p90_s is None else f"{median_s:.1f}/{p90_s:.1f}"


def check_cell(scene: SceneResult | Pool, budget: str) -> str:
    """``3 in 5.0 min (stated at most 0.1): OUTSIDE``."""
    check = scene.check(budget)
    if check is None:
        return NOTHING
    stated = f"{check.false_alarms} in {duration(check.hours * 3600)} (stated {count_interval(check.expected)})"
    return f"{stated}: {'inside' if check.within else 'OUTSIDE'}"


def with_interval(name: str, value: float | None, spread: Interval | None) -> str:
    """A figure with its interval, as digits that mean something."""
    if value is None:
        return NOTHING
    limits = "" if spread is None else f" {_range(spread, name)}"
    return _value(name, value) + limits


def _value(name: str, value: float | None) -> str:
    if value is None:
        return NOTHING
    if name == NORMAL_ABOVE:
        return percent(value)
    return f"{value:.1f}" if name.startswith(("false alarms", "delay")) else f"{value:.3f}"


def _range(spread: Interval, name: str = "") -> str:
    low, high = (_value(name, limit) for limit in spread) if name else (f"{limit:.2f}" for limit in spread)
    return f"[{low.removesuffix(' %')}, {high.removesuffix(' %')}]"
