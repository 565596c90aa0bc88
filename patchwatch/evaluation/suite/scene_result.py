"""What a suite states about one profile: scene by scene, and over scenes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from patchwatch.evaluation.report.profile_result import Training
from patchwatch.evaluation.report.protocol import Interval
from patchwatch.evaluation.suite.clip_tally import ClipTally
from patchwatch.evaluation.suite.figure import NORMAL_ABOVE, RANKING, SceneTally
from patchwatch.evaluation.suite.suite_file import Role


@dataclass(frozen=True)
class FigureValue:
    """A figure of one scene. ``interval``: 95 % over its clips, None where only one clip holds what it counts, and
    where no choice of clips changes it. Both are None where the figure is not defined: with one class only, without
    regions, without events."""

    name: str
    value: float | None
    interval: Interval | None


@dataclass(frozen=True)
class FalseAlarmCheck:
    """False alarms on footage that is normal throughout, against what the calibration states for so many hours.

    ``held_out_clips`` of the training and ``normal_clips`` of the testing. ``within``: whether the count is one that a
    Poisson process of some rate in ``expected`` yields with 95 % probability.
    """

    budget: str
    held_out_clips: int
    normal_clips: int
    hours: float
    false_alarms: int
    expected: Interval
    within: bool


@dataclass(frozen=True)
class SceneResult:
    """One profile on one scene. ``failed``: why it could not be measured; then there are no figures.

    ``checks``: one a budget, where there was normal footage to check on. ``clips``: what the figures are made of.
    """

    scene: str
    role: Role
    training: Training | None = None
    figures: tuple[FigureValue, ...] = ()
    checks: tuple[FalseAlarmCheck, ...] = ()
    clips: tuple[ClipTally, ...] = ()
    notes: tuple[str, ...] = ()
    failed: str | None = None

    def figure(self, name: str) -> FigureValue:
        """The figure of this name, which may have no value."""
        return next((figure for figure in self.figures if figure.name == name), FigureValue(name, None, None))

    def check(self, budget: str) -> FalseAlarmCheck | None:
        return _check_at(self.checks, budget)

    @cached_property
    def budgets(self) -> tuple[str, ...]:
        """Names, in order."""
        return tuple(tally.budget for tally in self.clips[0].budgets) if self.clips else ()

    @cached_property
    def tally(self) -> SceneTally:
        return SceneTally(self.clips)


@dataclass(frozen=True)
class PooledFigure:
    """The mean of a figure over the scenes that have it. ``interval``: 95 % over scenes and clips, as above.
    ``worst``: the scene where it is worst."""

    name: str
    scenes: int
    mean: float
    interval: Interval | None
    worst: str
    worst_value: float


@dataclass(frozen=True)
class Pool:
    """Scenes taken together. ``role``: of all of them; None: whatever their role. ``checks``: the normal footage of all
    scenes together, which tells more than that of each."""

    role: Role | None
    scenes: tuple[str, ...]
    figures: tuple[PooledFigure, ...]
    checks: tuple[FalseAlarmCheck, ...] = ()

    def figure(self, name: str) -> PooledFigure | None:
        return next((figure for figure in self.figures if figure.name == name), None)

    def check(self, budget: str) -> FalseAlarmCheck | None:
        return _check_at(self.checks, budget)


def _check_at(checks: Iterable[FalseAlarmCheck], budget: str) -> FalseAlarmCheck | None:
    return next((check for check in checks if check.budget == budget), None)


@dataclass(frozen=True)
class SuiteProfile:
    """One profile on all scenes, worst first."""

    profile: str
    random_weights: bool
    scenes: tuple[SceneResult, ...]
    pools: tuple[Pool, ...]

    @property
    def label(self) -> str:
        """Name for people."""
        return f"{self.profile} (RANDOM WEIGHTS)" if self.random_weights else self.profile

    @property
    def budgets(self) -> tuple[str, ...]:
        return next((scene.budgets for scene in self.scenes if scene.budgets), ())

    @property
    def worst(self) -> SceneResult | None:
        """The scene that is worst of those that were measured."""
        return next((scene for scene in self.scenes if scene.failed is None), None)

    @property
    def strangest(self) -> SceneResult | None:
        """The scene whose normal frames look strangest."""
        above = {scene.scene: scene.figure(NORMAL_ABOVE).value for scene in self.scenes}
        known = [scene for scene in self.scenes if above[scene.scene] is not None]
        return max(known, key=lambda scene: above[scene.scene] or 0.0, default=None)


def worst_first(scenes: Iterable[SceneResult]) -> tuple[SceneResult, ...]:
    """Those that could not be measured, then by the ranking of frames, then normal ones by how strange they look."""
    return tuple(sorted(scenes, key=_rank))


def _rank(scene: SceneResult) -> tuple[int, float, str]:
    if scene.failed is not None:
        return 0, 0.0, scene.scene
    ranking, above = scene.figure(RANKING).value, scene.figure(NORMAL_ABOVE).value
    return (1, ranking, scene.scene) if ranking is not None else (2, -(above or 0.0), scene.scene)
