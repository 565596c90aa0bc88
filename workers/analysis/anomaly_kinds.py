"""Which streams answer which question about an anomaly."""

from __future__ import annotations

from collections.abc import Iterable

from models.profiles.profile import Profile, StreamKind
from patchwatch.messages.anomaly_kind import AnomalyKind

_ASKED_BY = {
    StreamKind.MOTION: AnomalyKind.BEHAVIOUR,
    StreamKind.VELOCITY: AnomalyKind.BEHAVIOUR,
    StreamKind.LOCAL: AnomalyKind.THING,
    StreamKind.CATEGORY: AnomalyKind.THING,
    StreamKind.GLOBAL: AnomalyKind.PLACE,
    StreamKind.PLACE: AnomalyKind.PLACE,
}


def anomaly_kind(profile: Profile, stream: str | None) -> AnomalyKind | None:
    """What is unusual where this stream of the profile stands out; None where none does."""
    return next((_ASKED_BY[spec.kind] for spec in profile.streams if spec.name == stream), None)


def streams_of(kinds: Iterable[AnomalyKind]) -> frozenset[StreamKind]:
    """The streams that answer any of these questions."""
    asked = set(kinds)
    return frozenset(kind for kind, anomaly in _ASKED_BY.items() if anomaly in asked)
