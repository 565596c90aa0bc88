"""The result of a demonstration: frames, alerts, and the scripted anomaly that each alert belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from patchwatch.demo.scene.script import Anomaly, Script

_AFTERGLOW_S = 6.0  # An alert may open this long after its cause: smoothing, minimum duration and queue take time.
_SHOWN_S = 3.0  # An anomaly that began less than this before the end was hardly visible.


@dataclass(frozen=True)
class PlayedAnomaly:
    """A scripted anomaly that was published.

    ``opened_after_s``: from its start to the alert's opening, None when the alert was open before.
    """

    kind: str
    started_at_ms: int
    second: float  # Within the live video.
    alert_id: str | None
    opened_after_s: float | None


@dataclass(frozen=True)
class Summary:
    """The result of a demonstration, for people and (`as_json`) for machines."""

    live_s: float
    captured: int
    scored: int
    dropped: dict[str, int]
    scores_pushed: int
    threshold: float | None
    alerts: list[dict[str, Any]]  # As GET /api/v1/alerts returns them, oldest first.
    alerts_pushed: list[str]  # Ids that arrived over the WebSocket.
    anomalies: list[PlayedAnomaly]
    unexplained: list[str]  # Ids of alerts without a scripted anomaly; all of them for the user's own footage.
    left_out: int = 0  # Pictures that the demo's own camera had no time to draw and send.
    armed_after_s: float | None = None  # Second of the live video at which it had learnt what is normal.

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> list[str]:
        """For a terminal."""
        dropped = ", ".join(f"{count} {reason}" for reason, count in self.dropped.items()) or "none"
        lines = [
            f"{self.live_s:.0f} s live: {self.captured} frames captured, {self.scored} scored, dropped: {dropped}; "
            f"{self.scores_pushed} scores came over the WebSocket"
        ]
        if self.armed_after_s is not None:
            lines.append(f"  it had learnt what is normal by itself, and was armed, after {self.armed_after_s:.0f} s")
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


def match_alerts(
    script: Script, started_at_ms: int, live_s: float, alerts: Sequence[dict[str, Any]]
) -> tuple[list[PlayedAnomaly], list[str]]:
    """Pair each anomaly that was visible long enough with the first alert during it. Also returns the other ids."""
    left = {alert["id"]: alert for alert in alerts}
    played = []
    for anomaly in script:
        if anomaly.starts_at_s > live_s - _SHOWN_S:
            break
        begins_ms = started_at_ms + round(anomaly.starts_at_s * 1000)
        until_ms = started_at_ms + round((anomaly.ends_at_s + _AFTERGLOW_S) * 1000)
        during = [alert for alert in left.values() if begins_ms <= _opened_ms(alert) <= until_ms]
        for alert in during:
            del left[alert["id"]]
        still_open = [alert for alert in alerts if _opened_ms(alert) < begins_ms < _ended_ms(alert)]
        played.append(_played(anomaly, begins_ms, during, still_open))
    return played, list(left)


def _played(
    anomaly: Anomaly, begins_ms: int, alerts: Sequence[dict[str, Any]], still_open: Sequence[dict[str, Any]]
) -> PlayedAnomaly:
    if not alerts:
        covering = still_open[0]["id"] if still_open else None
        return PlayedAnomaly(anomaly.kind.value, begins_ms, anomaly.starts_at_s, covering, None)
    first = min(alerts, key=_opened_ms)
    after_s = round((_opened_ms(first) - begins_ms) / 1000, 2)
    return PlayedAnomaly(anomaly.kind.value, begins_ms, anomaly.starts_at_s, first["id"], after_s)


def _opened_ms(alert: dict[str, Any]) -> int:
    return round(datetime.fromisoformat(alert["opened"]).timestamp() * 1000)


def _ended_ms(alert: dict[str, Any]) -> float:
    return datetime.fromisoformat(alert["ended"]).timestamp() * 1000 if alert.get("ended") else float("inf")
