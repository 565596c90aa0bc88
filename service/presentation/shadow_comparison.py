"""The alerts of a camera beside those that a bank in its shadow would have raised."""

from __future__ import annotations

from collections.abc import Sequence

from patchwatch.messages.alerts.alert import Alert


def without_counterpart(alerts: Sequence[Alert], others: Sequence[Alert]) -> list[Alert]:
    """Those that no other overlaps in time, in their order."""
    return [alert for alert in alerts if not any(_overlap(alert, other) for other in others)]


def sentence(active: int, shadow: int, only_active: int, only_shadow: int) -> str:
    """What the comparison means, for an operator."""
    if active == shadow == 0:
        return "No alert of either bank so far."
    parts = [f"{_alerts(only_active)} fewer"] if only_active else []
    parts += [f"{_alerts(only_shadow)} more"] if only_shadow else []
    effect = " and ".join(parts) or "The same alerts"
    return f"{effect} with the bank in the shadow: {shadow} instead of {active}."


def _overlap(one: Alert, other: Alert) -> bool:
    return one.started_at_ms <= _until_ms(other) and other.started_at_ms <= _until_ms(one)


def _until_ms(alert: Alert) -> float:
    return float("inf") if alert.ended_at_ms is None else alert.ended_at_ms


def _alerts(count: int) -> str:
    return "1 alert" if count == 1 else f"{count} alerts"
