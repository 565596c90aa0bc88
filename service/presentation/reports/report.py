"""The report on a camera's last days, from what is stored of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from patchwatch.messages.alerts.alert import Alert, AlertKind
from patchwatch.messages.alerts.verdict import Verdict, VerdictCounts
from patchwatch.messages.banks.bank_version import CameraBanks
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.drift import Drift
from patchwatch.messages.cameras.quiet_hour import HOUR_MS, QuietHour
from service.presentation.reports.confirmed_share import confirmed_share
from service.presentation.reports.poisson_interval import poisson_interval
from service.presentation.reports.report_text import lines_of, next_step_of
from service.schemas.budget import BudgetView
from service.schemas.cameras.report import (
    AlertReport,
    BudgetReport,
    CameraReport,
    DriftReport,
    Kept,
    LearntReport,
    WatchedTime,
)
from service.schemas.cameras.status import CameraStatus

_NO_SIGHT = frozenset(AlertKind) - {
    AlertKind.ANOMALY, AlertKind.OFFLINE, AlertKind.DRIFT, AlertKind.LASTING_CHANGE, AlertKind.ABSENCE,
}  # fmt: skip
Judged = tuple[Alert, Verdict | None]


@dataclass(frozen=True)
class ReportFacts:
    """All that a report is made of. ``alerts``: those of the camera that began in the period, with the verdict that
    counts; ``complete``: whether these are all."""

    camera: Camera
    status: CameraStatus
    from_ms: int
    to_ms: int
    hours: Sequence[QuietHour]
    alerts: Sequence[Judged]
    complete: bool
    banks: CameraBanks
    drift: Drift
    corrections: int | None  # None: they cannot be read
    budget_by_default: float


def report_of(facts: ReportFacts) -> CameraReport:
    """The report, without its words, and then with them."""
    watched = _watched(facts)
    report = CameraReport(
        camera_id=facts.camera.id,
        from_=facts.from_ms,
        to=facts.to_ms,
        health=facts.status.health,
        watched=watched,
        alerts=_alerts(facts),
        budget=_budget(facts, watched),
        learnt=_learnt(facts),
        drift=DriftReport(
            hours=facts.drift.hours, drifting=[stream.name for stream in facts.drift.streams], text=facts.drift.text
        ),
        next_step="",
        lines=[],
    )
    report = report.model_copy(update={"next_step": next_step_of(report, facts.status)})
    return report.model_copy(update={"lines": lines_of(report)})


def _watched(facts: ReportFacts) -> WatchedTime:
    """An hour is watched as far as minutes of it were scored, less what alerts say of conditions."""
    scored_h = sum(hour.minutes for hour in facts.hours) / 60
    known = [(hour.hour_ms, hour.hour_ms + HOUR_MS) for hour in facts.hours]
    conditions = _intervals(facts, _NO_SIGHT)
    blind_h = min(scored_h, _overlap_h(known, conditions))
    offline_h = min(len(known) - scored_h, _overlap_h(known, _intervals(facts, {AlertKind.OFFLINE})))
    return WatchedTime(
        hours=len(known),
        watched_h=round(scored_h - blind_h, 2),
        blind_h=round(blind_h, 2),
        offline_h=round(offline_h, 2),
        not_scored_h=round(len(known) - scored_h - offline_h, 2),
    )


def _intervals(facts: ReportFacts, kinds: Iterable[AlertKind]) -> list[tuple[int, int]]:
    """When at least one alert of these kinds was open, in order and disjoint."""
    wanted = set(kinds)
    spans = sorted(
        (alert.started_at_ms, alert.ended_at_ms if alert.ended_at_ms is not None else facts.to_ms)
        for alert, _ in facts.alerts
        if alert.kind in wanted
    )
    merged: list[tuple[int, int]] = []
    for first, last in spans:
        if merged and first <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], last)
        else:
            merged.append((first, last))
    return merged


def _overlap_h(one: Sequence[tuple[int, int]], other: Sequence[tuple[int, int]]) -> float:
    """Hours in both, of intervals that are disjoint within each."""
    common_ms = sum(max(0, min(a[1], b[1]) - max(a[0], b[0])) for a in one for b in other)
    return common_ms / HOUR_MS


def _began(facts: ReportFacts) -> list[Judged]:
    """The rest began before the period and lasted into it."""
    return [(alert, verdict) for alert, verdict in facts.alerts if alert.started_at_ms >= facts.from_ms]


def _alerts(facts: ReportFacts) -> AlertReport:
    began = _began(facts)
    said = Counter(verdict for alert, verdict in began if alert.kind is AlertKind.ANOMALY)
    counts = VerdictCounts(**{verdict.value: said[verdict] for verdict in Verdict})
    return AlertReport(
        by_kind=dict(Counter(alert.kind for alert, _ in began)),
        reviewed=sum(count for verdict, count in said.items() if verdict is not None),
        unreviewed=said[None],
        normal=counts.normal,
        confirmed_share=confirmed_share(counts),
        complete=facts.complete,
    )


def _budget(facts: ReportFacts, watched: WatchedTime) -> BudgetReport:
    spent = sum(
        alert.kind is AlertKind.ANOMALY and not alert.provisional and verdict is not Verdict.ANOMALY
        for alert, verdict in _began(facts)
    )
    budget = BudgetView.from_camera(facts.camera, facts.budget_by_default)
    days = watched.watched_h / 24
    if days <= 0:
        return BudgetReport(budget=budget, spent=spent, per_day=None, low=None, high=None, kept=Kept.UNCLEAR)
    low, high = (bound / days for bound in poisson_interval(spent))
    kept = Kept.YES if high <= budget.per_day else Kept.NO if low > budget.per_day else Kept.UNCLEAR
    rounded = [round(value, 3) for value in (spent / days, low, high)]
    return BudgetReport(budget=budget, spent=spent, per_day=rounded[0], low=rounded[1], high=rounded[2], kept=kept)


def _learnt(facts: ReportFacts) -> LearntReport:
    active_id = facts.status.analysis.bank_id if facts.status.analysis else None
    active = next((version for version in facts.banks.versions if version.id == active_id), None)
    learnt = [version for version in facts.banks.versions if facts.from_ms <= version.stored_at_ms <= facts.to_ms]
    known = f"the active bank: {active.in_words}" if active else facts.status.arming.text
    return LearntReport(
        banks=len(learnt),
        corrections=facts.corrections,
        active_bank=active_id,
        active_since=active.stored_at_ms if active else None,
        text="; ".join(filter(None, (known, facts.status.arming.next_step))),
    )
