"""From two lists of events to an answer for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from models.alarms.event_comparison import EventComparison, last_known_s
from models.alarms.event_detector import Event
from models.profiles.profile import Profile
from patchwatch.bus import keys
from patchwatch.messages.frames.score import Region
from patchwatch.messages.what_if import MAX_LISTED, WhatIfEvent
from workers.analysis.anomaly_kinds import anomaly_kind

WallMs = Callable[[float, float], int]  # of a moment of the camera's own time, by the clock as it was at another


@dataclass(frozen=True)
class Evidence:
    """What stood out at an event's peak: the leading stream and its region in pixels of the camera's own picture."""

    stream: str | None
    region: Region | None


def within(events: Sequence[Event], wall_ms: WallMs, from_ms: int, to_ms: int) -> list[Event]:
    """Those that lasted at some time between two times of the wall clock."""
    return [
        event
        for event in events
        if wall_ms(last_known_s(event), event.started_s) >= from_ms
        and wall_ms(event.started_s, event.started_s) <= to_ms
    ]


def described(
    events: Sequence[Event], camera_id: str, profile: Profile, wall_ms: WallMs, evidence: Callable[[Event], Evidence]
) -> list[WhatIfEvent]:
    """The newest of them, newest first."""
    return [_described(event, camera_id, profile, wall_ms, evidence(event)) for event in reversed(events[-MAX_LISTED:])]


def _described(event: Event, camera_id: str, profile: Profile, wall_ms: WallMs, evidence: Evidence) -> WhatIfEvent:
    since_s = event.started_s
    return WhatIfEvent(
        started_at_ms=wall_ms(since_s, since_s),
        opened_at_ms=wall_ms(event.opened_s, since_s),
        peak_at_ms=wall_ms(event.peak_s, since_s),
        ended_at_ms=None if event.ended_s is None else wall_ms(event.ended_s, since_s),
        peak_score=event.peak_score,
        stream=evidence.stream,
        anomaly=anomaly_kind(profile, evidence.stream),
        region=evidence.region,
        alert_id=f"{camera_id}-{round(since_s * 1000)}",
    )


def with_kept_alerts(client: Any, events: Sequence[WhatIfEvent]) -> tuple[WhatIfEvent, ...]:
    """Only alerts that are still stored are named."""
    if not events:
        return ()
    kept = client.mget([keys.alert(event.alert_id or "") for event in events])
    pairs = zip(events, kept, strict=True)
    return tuple(event if record else event.model_copy(update={"alert_id": None}) for event, record in pairs)


def comparison(
    before: Sequence[Event], after: Sequence[Event], wall_ms: WallMs, span: tuple[int, int]
) -> EventComparison:
    """Of the events that lasted at some time of the span (Unix time in milliseconds)."""
    return EventComparison.of(within(before, wall_ms, *span), within(after, wall_ms, *span))
