"""What changed between two reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from patchwatch.evaluation.report.budget_result import BudgetResult
from patchwatch.evaluation.report.profile_result import ProfileResult
from patchwatch.evaluation.report.protocol import Protocol
from patchwatch.evaluation.report.report import Report

Figure = float | int | None


@dataclass(frozen=True)
class FigureChange:
    """One figure of one profile in both reports. ``difference`` is None where one of them has no such figure."""

    profile: str
    metric: str
    before: Figure
    after: Figure

    @property
    def difference(self) -> float | None:
        return None if self.before is None or self.after is None else self.after - self.before


@dataclass(frozen=True)
class SettingChange:
    """Something other than a figure that differs, as text."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Comparison:
    """``settings``: all that differs in how the runs were made. ``changes``: every figure of the profiles in both."""

    settings: tuple[SettingChange, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    changes: tuple[FigureChange, ...]

    def as_json(self) -> dict[str, object]:
        """JSON values."""
        return {
            "settings": [asdict(setting) for setting in self.settings],
            "only_before": list(self.only_before),
            "only_after": list(self.only_after),
            "changes": [asdict(change) | {"difference": change.difference} for change in self.changes],
        }


def compare(before: Report, after: Report) -> Comparison:
    """Profile by profile and figure by figure."""
    old = {result.profile: result for result in before.profiles}
    new = {result.profile: result for result in after.profiles}
    both = [name for name in old if name in new]
    return Comparison(
        settings=tuple(
            setting for setting in (*_settings(before, after), *_profile_settings(old, new, both)) if _differs(setting)
        ),
        only_before=tuple(name for name in old if name not in new),
        only_after=tuple(name for name in new if name not in old),
        changes=tuple(change for name in both for change in _changes(old[name], new[name])),
    )


def _differs(setting: SettingChange) -> bool:
    return setting.before != setting.after


def _settings(before: Report, after: Report) -> Iterator[SettingChange]:
    yield SettingChange("version", before.version, after.version)
    yield SettingChange("commit", str(before.commit), str(after.commit))
    yield SettingChange("cpu", f"{before.cpu}, {before.cores} cores", f"{after.cpu}, {after.cores} cores")
    then, now = asdict(before.settings), asdict(after.settings)
    for name, value in then.items():
        yield SettingChange(name, str(value), str(now[name]))


def _profile_settings(
    old: dict[str, ProfileResult], new: dict[str, ProfileResult], both: list[str]
) -> Iterator[SettingChange]:
    for name in both:
        then, now = old[name], new[name]
        yield SettingChange(f"{name}: streams", _streams(then), _streams(now))
        yield SettingChange(f"{name}: networks", _networks(then), _networks(now))
        yield SettingChange(f"{name}: device", then.cost.device, now.cost.device)
        yield SettingChange(f"{name}: training", str(then.training), str(now.training))
        yield SettingChange(f"{name}: testing clips", _clips(then), _clips(now))


def _streams(result: ProfileResult) -> str:
    return ", ".join(f"{stream.name} ({stream.kind}) {stream.weight:g}" for stream in result.streams)


def _networks(result: ProfileResult) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(result.networks.items())) or "none"


def _clips(result: ProfileResult) -> str:
    return ", ".join(f"{clip.name} ({clip.frames} frames, {clip.anomalous} anomalous)" for clip in result.clips)


def _changes(before: ProfileResult, after: ProfileResult) -> Iterator[FigureChange]:
    then, now = dict(_figures(before)), dict(_figures(after))
    for metric in dict.fromkeys((*then, *now)):
        yield FigureChange(before.profile, metric, then.get(metric), now.get(metric))


def _figures(result: ProfileResult) -> Iterator[tuple[str, Figure]]:
    for name in ("service", "unsmoothed", "paper"):
        protocol: Protocol = getattr(result.protocols, name)
        yield f"{name} micro AUROC", protocol.micro_auroc
        yield f"{name} macro AUROC", protocol.macro_auroc
        yield f"{name} AUPR", protocol.aupr
    for budget in result.budgets:
        yield from _budget_figures(budget)
    yield "cost, ms per frame", result.cost.total_ms
    for name, spent_ms in (*result.cost.shared_ms.items(), *result.cost.streams_ms.items()):
        yield f"cost, ms per frame, {name}", spent_ms


def _budget_figures(budget: BudgetResult) -> Iterator[tuple[str, Figure]]:
    at = f"at {budget.name}"
    yield f"{at}: threshold", budget.on
    yield f"{at}: event recall", budget.recall
    yield f"{at}: false alarms", budget.false_alarms
    yield f"{at}: false alarms per hour", budget.false_alarms_per_hour
    yield f"{at}: held-out false alarms", None if budget.held_out is None else budget.held_out.false_alarms
    yield f"{at}: delay, median s", budget.delay_median_s
    yield f"{at}: delay, 90th percentile s", budget.delay_p90_s
