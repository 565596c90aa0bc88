"""What changed between two runs of a suite, and which differences are more than the noise of their clips."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from patchwatch.evaluation.report.comparison import SettingChange
from patchwatch.evaluation.report.protocol import Interval
from patchwatch.evaluation.suite.figure import Figure, Values, figures
from patchwatch.evaluation.suite.resampling import mean_over_scenes, measured, noise, resampled
from patchwatch.evaluation.suite.scene_result import SceneResult, SuiteProfile
from patchwatch.evaluation.suite.suite_file import Role
from patchwatch.evaluation.suite.suite_report import SuiteReport

_SAME = 1e-9
LEAST_CLIPS = 5  # that hold what a figure counts: of fewer, all go one way by chance more often than once in 16
POOLED = "mean over scenes"


class Verdict(StrEnum):
    """``unknown``: of so few clips the noise cannot be told."""

    SAME = "same"
    BETTER = "better"
    WORSE = "worse"
    WITHIN_NOISE = "within noise"
    UNKNOWN = "noise unknown"


@dataclass(frozen=True)
class Difference:
    """One figure of one scene in both reports, over the same clips. ``interval``: 95 % of the paired differences.

    ``scene``: its name, or `POOLED` for the mean over ``units`` scenes of ``role``.
    ``units``: clips that hold what the figure counts, or scenes.
    """

    profile: str
    scene: str
    role: Role | None
    figure: str
    before: float
    after: float
    units: int
    interval: Interval | None
    verdict: Verdict

    @property
    def change(self) -> float:
        return self.after - self.before

    @property
    def claimed(self) -> bool:
        """Whether it is more than noise."""
        return self.verdict in (Verdict.BETTER, Verdict.WORSE)


@dataclass(frozen=True)
class SuiteComparison:
    """``not_compared``: scenes and profiles that are not the same in both, with the reason."""

    settings: tuple[SettingChange, ...]
    not_compared: tuple[str, ...]
    differences: tuple[Difference, ...]

    def as_json(self) -> dict[str, object]:
        """JSON values."""
        return {
            "settings": [asdict(setting) for setting in self.settings],
            "not_compared": list(self.not_compared),
            "differences": [asdict(difference) | {"change": difference.change} for difference in self.differences],
        }


def compare_suites(before: SuiteReport, after: SuiteReport) -> SuiteComparison:
    """Profile by profile, scene by scene, figure by figure; only what both measured on the same clips."""
    old = {profile.profile: profile for profile in before.profiles}
    new = {profile.profile: profile for profile in after.profiles}
    pairs, left_out = [], list(_only_in_one(old.keys(), new.keys(), "profile"))
    for name in (name for name in old if name in new):
        of_profile, reasons = _pairs(old[name], new[name])
        pairs.append((name, of_profile))
        left_out += [f"{name}, {reason}" for reason in reasons]
    differences = (difference for name, of_profile in pairs for difference in _differences(name, of_profile))
    settings = (setting for setting in _settings(before, after) if setting.before != setting.after)
    return SuiteComparison(tuple(settings), tuple(left_out), tuple(differences))


_Pair = tuple[SceneResult, SceneResult]


def _pairs(before: SuiteProfile, after: SuiteProfile) -> tuple[list[_Pair], list[str]]:
    """The scenes that can be compared, in the order of the second report, and why the others cannot."""
    old = {scene.scene: scene for scene in before.scenes}
    new = {scene.scene: scene for scene in after.scenes}
    pairs, reasons = [], list(_only_in_one(old.keys(), new.keys(), "scene"))
    for name in (name for name in new if name in old):
        reason = _unlike(old[name], new[name])
        if reason is None:
            pairs.append((old[name], new[name]))
        else:
            reasons.append(f"scene {name}: {reason}")
    return pairs, reasons


def _only_in_one(old: Collection[str], new: Collection[str], noun: str) -> Iterator[str]:
    for names, others, where in ((old, new, "first"), (new, old, "second")):
        yield from (f"{noun} {name}: only in the {where} report" for name in names if name not in others)


def _unlike(before: SceneResult, after: SceneResult) -> str | None:
    for scene, where in ((before, "first"), (after, "second")):
        if scene.failed is not None:
            return f"not measured in the {where} report: {scene.failed}"
    if _clips(before) != _clips(after):
        return "its testing clips or labels are not the same"
    return None


def _clips(scene: SceneResult) -> list[tuple[str, tuple[int, int]]]:
    return [(clip.name, clip.frames) for clip in scene.clips]


def _differences(profile: str, pairs: Sequence[_Pair]) -> Iterator[Difference]:
    budgets = [budget for budget in (pairs[0][0].budgets if pairs else ()) if budget in pairs[0][1].budgets]
    for figure in figures(budgets):
        yield from _pooled(profile, figure, pairs)
    for pair in pairs:
        for figure in figures(budgets):
            if (difference := scene_difference(profile, figure, pair)) is not None:
                yield difference


def scene_difference(profile: str, figure: Figure, pair: _Pair) -> Difference | None:
    """One figure of a scene before and after, on the same clips; None where one has no such figure."""
    _, after = pair
    values = _values(figure, pair)
    if values is None:
        return None
    units = min(figure.units(scene.tally) for scene in pair)
    spread = noise(_resampled_change(figure, pair), units) if units >= LEAST_CLIPS else None
    verdict = _verdict(figure, values, spread)
    return Difference(profile, after.scene, after.role, figure.name, *values, units, spread, verdict)


def _pooled(profile: str, figure: Figure, pairs: Sequence[_Pair]) -> Iterator[Difference]:
    """Over the held-out scenes, and over all where those are more."""
    held_out = [pair for pair in pairs if pair[1].role is Role.HELD_OUT]
    for role, of_role in ((Role.HELD_OUT, held_out), (None, pairs if len(pairs) > len(held_out) else [])):
        known = [(pair, values) for pair in of_role if (values := _values(figure, pair)) is not None]
        if len(known) < 2:
            continue
        before, after = (sum(values[n] for _, values in known) / len(known) for n in (0, 1))
        spread = noise(mean_over_scenes([_resampled_change(figure, pair) for pair, _ in known]), len(known))
        verdict = _verdict(figure, (before, after), spread)
        yield Difference(profile, POOLED, role, figure.name, before, after, len(known), spread, verdict)


def _values(figure: Figure, pair: _Pair) -> tuple[float, float] | None:
    before, after = (measured(figure, scene.tally) for scene in pair)
    return None if before is None or after is None else (before, after)


def _resampled_change(figure: Figure, pair: _Pair) -> Values:
    """Of each choice of clips, the same in both."""
    before, after = (resampled(figure, scene.tally) for scene in pair)
    return after - before


def _verdict(figure: Figure, values: tuple[float, float], spread: Interval | None) -> Verdict:
    change = values[1] - values[0]
    if max(abs(part) for part in (change, *(spread or ()))) < _SAME:
        return Verdict.SAME
    if spread is None:
        return Verdict.UNKNOWN
    rises, falls = change > 0 and spread[0] > _SAME, change < 0 and spread[1] < -_SAME
    if not (rises or falls):
        return Verdict.WITHIN_NOISE
    return Verdict.BETTER if rises is figure.higher_is_better else Verdict.WORSE


def _settings(before: SuiteReport, after: SuiteReport) -> Iterator[SettingChange]:
    yield SettingChange("version", before.version, after.version)
    yield SettingChange("commit", str(before.commit), str(after.commit))
    yield SettingChange("cpu", f"{before.cpu}, {before.cores} cores", f"{after.cpu}, {after.cores} cores")
    then, now = asdict(before.settings), asdict(after.settings)
    for name, value in then.items():
        yield SettingChange(name, str(value), str(now[name]))
    old, new = ({scene.name: scene for scene in report.scenes} for report in (before, after))
    for name in (name for name in old if name in new):
        for key, value in asdict(old[name]).items():
            yield SettingChange(f"scene {name}: {key}", str(value), str(asdict(new[name])[key]))
