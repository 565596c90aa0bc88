"""What came of a demonstration: frames, alerts, and which scripted anomaly each alert belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from patchwatch.demo.scene.script import Anomaly, Script

_AFTERGLOW_S = 6.0  # smoothing, the minimum time and the queue let an alert come this much after its cause
_SHOWN_S = 3.0  # one that began later than this before the end was hardly on the picture


@dataclass(frozen=True)
class Played:
    """A scripted anomaly that was on the air."""

    kind: str
    started_at_ms: int
    second: float  # of the live video
    alert_id: str | None
    opened_after_s: float | None  # from the anomaly's start to the alert's opening; None: it was open before


@dataclass(frozen=True)
class Summary:
    """The end of a demonstration, for people and (`as_json`) for machines."""

    live_s: float
    captured: int
    scored: int
    dropped: dict[str, int]
    scores_pushed: int
    threshold: float | None
    alerts: list[dict[str, Any]]  # as GET /api/v1/alerts gives them, oldest first
    alerts_pushed: list[str]  # ids that arrived over the WebSocket
    anomalies: list[Played]
    unexplained: list[str]  # ids of alerts with no scripted anomaly; all of them for footage of the user's own
    left_out: int = 0  # pictures the demo's camera had no time to draw and send

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> list[str]:
        """For a terminal."""
        dropped = ", ".join(f"{count} {reason}" for reason, count in self.dropped.items()) or "none"
        lines = [
            f"{self.live_s:.0f} s live: {self.captured} frames captured, {self.scored} scored, dropped: {dropped}; "
            f"{self.scores_pushed} scores came over the WebSocket"
        ]
        if self.left_out:
            lines.append(
                f"  this machine was too busy: the demo's own camera left {self.left_out} pictures out, "
                "and what they showed was not seen"
            )
        for played in self.anomalies:
            if played.alert_id is None:
                outcome = "NO ALERT"
            elif played.opened_after_s is None:
                outcome = f"alert {played.alert_id}, which was still open"
            else:
                outcome = f"alert {played.alert_id} after {played.opened_after_s:.1f} s"
            lines.append(f"  scripted at {played.second:5.1f} s  {played.kind:8s} {outcome}")
        for alert in self.alerts:
            lines.append("  " + describe(alert))
        if not self.alerts:
            lines.append("  no alert")
        if self.anomalies and self.unexplained:
            lines.append(
                f"  {len(self.unexplained)} alert(s) where nothing was scripted: {', '.join(self.unexplained)}"
            )
        return lines


def describe(alert: dict[str, Any]) -> str:
    """One line about an alert."""
    if alert["peak_score"] is None:
        return f"alert {alert['id']} {alert['state']}: {alert['detail']}"
    region = alert.get("region")
    where = f" in {region['x1']},{region['y1']}-{region['x2']},{region['y2']}" if region else ""
    return (
        f"alert {alert['id']} {alert['state']}: score {alert['peak_score']:.2f} over {alert['threshold']:.2f}, "
        f"stream {alert.get('stream') or '-'}{where}"
    )


def match(
    script: Script, started_at_ms: int, live_s: float, alerts: Sequence[dict[str, Any]]
) -> tuple[list[Played], list[str]]:
    """Pair each anomaly shown long enough to be seen with the first alert during it; also the ids left over."""
    left = {alert["id"]: alert for alert in alerts}
    played = []
    for act in script:
        if act.starts_at_s > live_s - _SHOWN_S:
            break
        begins_ms = started_at_ms + round(act.starts_at_s * 1000)
        until_ms = started_at_ms + round((act.ends_at_s + _AFTERGLOW_S) * 1000)
        mine = [alert for alert in left.values() if begins_ms <= _opened_ms(alert) <= until_ms]
        for alert in mine:
            del left[alert["id"]]
        still = [alert for alert in alerts if _opened_ms(alert) < begins_ms < _ended_ms(alert)]
        played.append(_played(act, begins_ms, mine, still))
    return played, list(left)


def _played(
    act: Anomaly, begins_ms: int, alerts: Sequence[dict[str, Any]], still_open: Sequence[dict[str, Any]]
) -> Played:
    if not alerts:
        covering = still_open[0]["id"] if still_open else None
        return Played(act.kind.value, begins_ms, act.starts_at_s, covering, None)
    first = min(alerts, key=_opened_ms)
    after_s = round((_opened_ms(first) - begins_ms) / 1000, 2)
    return Played(act.kind.value, begins_ms, act.starts_at_s, first["id"], after_s)


def _opened_ms(alert: dict[str, Any]) -> int:
    return round(datetime.fromisoformat(alert["opened"]).timestamp() * 1000)


def _ended_ms(alert: dict[str, Any]) -> float:
    return datetime.fromisoformat(alert["ended"]).timestamp() * 1000 if alert.get("ended") else float("inf")
