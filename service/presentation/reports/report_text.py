"""The report on a camera's last days in words."""

from __future__ import annotations

from patchwatch.messages.alerts.alert import AlertKind
from service.schemas.cameras.report import BudgetReport, CameraReport, Kept, WatchedTime
from service.schemas.cameras.status import CameraStatus, Health

_NOTHING = "nothing needs to be done"
_MANY_UNREVIEWED = 5
_MUCH_LOST = 0.1  # of the hours
_WELL = (Health.OK, Health.ENDED)


def next_step_of(report: CameraReport, status: CameraStatus) -> str:
    """The one thing to do: what keeps the camera from being watched comes first, then what makes its alerts wrong."""
    if status.health not in _WELL:
        return f"{status.health.value.replace('_', ' ')}: {status.reason}"
    if report.drift.text:
        return report.drift.text
    return _about_time(report) or _about_alerts(report) or _NOTHING


def _about_time(report: CameraReport) -> str:
    watched = report.watched
    if watched.offline_h > _MUCH_LOST * watched.hours:
        return f"look at the camera's connection: no frames came for {_hours(watched.offline_h)}"
    if watched.blind_h > _MUCH_LOST * watched.hours:
        return f"look at the camera: for {_hours(watched.blind_h)} its picture could show no anomaly"
    if watched.not_scored_h > _MUCH_LOST * watched.hours:
        return (
            f"look at the load of the machine and at `patchwatch doctor`: {_hours(watched.not_scored_h)} were not "
            "scored although the camera was there, or it was switched off"
        )
    return ""


def _about_alerts(report: CameraReport) -> str:
    alerts, budget = report.alerts, report.budget
    if alerts.unreviewed >= _MANY_UNREVIEWED:
        return (
            f"say of the {alerts.unreviewed} alerts that nobody has judged what they were: `patchwatch alerts list "
            f"--camera {report.camera_id}`, or the page"
        )
    if budget.kept is Kept.NO and alerts.normal:
        return f"learn what was normal after all: {alerts.normal} alerts were called normal; let the camera learn again"
    if budget.kept is Kept.NO:
        return "let the camera learn again: it alerts more often than its budget allows"
    return ""


def lines_of(report: CameraReport) -> list[str]:
    """A sentence on each matter, the next step last."""
    return [
        _time_line(report.watched),
        _alert_line(report),
        _budget_line(report.budget),
        _learnt_line(report),
        _drift_line(report),
        f"next: {report.next_step}",
    ]


def _time_line(watched: WatchedTime) -> str:
    if not watched.hours:
        return "watched: no hour is summed up yet; an enrolment worker does that once an hour is over"
    lost = [
        f"{_hours(hours)} {what}"
        for hours, what in (
            (watched.offline_h, "without frames"),
            (watched.blind_h, "in which nothing could be seen"),
            (watched.not_scored_h, "not scored"),
        )
        if hours >= 0.05
    ]
    return f"watched: {watched.watched_h:.1f} of {watched.hours:.0f} h" + "".join(f", {part}" for part in lost)


def _alert_line(report: CameraReport) -> str:
    alerts = report.alerts
    anomalies = alerts.by_kind.get(AlertKind.ANOMALY, 0)
    others = ", ".join(
        f"{count} {kind.value.replace('_', ' ')}"
        for kind, count in sorted(alerts.by_kind.items())
        if kind is not AlertKind.ANOMALY
    )
    share = alerts.confirmed_share
    right = (
        "; none was judged"
        if share is None
        else f"; {share.confirmed} of {share.judged} judged were right ({share.low:.0%} to {share.high:.0%})"
    )
    some = "" if alerts.complete else "at least "
    return f"alerts: {some}{_counted(anomalies, 'anomaly', 'anomalies')}{right if anomalies else ''}" + (
        f"; {others}" if others else ""
    )


def _budget_line(budget: BudgetReport) -> str:
    if budget.per_day is None or budget.low is None or budget.high is None:
        return f"{budget.budget.text}; nothing was watched"
    kept = {
        Kept.YES: "it was kept",
        Kept.NO: "it was not kept",
        Kept.UNCLEAR: "so short a time cannot tell whether it was kept",
    }
    return (
        f"{budget.budget.text}; {kept[budget.kept]}: {_counted(budget.spent, 'alert')} that nobody confirmed, "
        f"{budget.per_day:.2g} a day ({budget.low:.2g} to {budget.high:.2g})"
    )


def _learnt_line(report: CameraReport) -> str:
    learnt = report.learnt
    corrected = f", {_counted(learnt.corrections, 'correction')} in force" if learnt.corrections else ""
    if learnt.corrections is None:
        corrected = ", what operators said of its normal cannot be read"
    return f"learnt: {_counted(learnt.banks, 'bank')} in this time{corrected}; {learnt.text or 'no bank is active'}"


def _drift_line(report: CameraReport) -> str:
    drift = report.drift
    if drift.drifting:
        return f"drift: {', '.join(drift.drifting)} differ from what was learnt"
    return f"drift: none in {_counted(drift.hours, 'quiet hour')} with this bank"


def _hours(hours: float) -> str:
    return f"{hours:.1f} h"


def _counted(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
