"""Which streams answer which question about an anomaly."""

from __future__ import annotations

from collections.abc import Iterable

from models.banks.bank import Bank
from models.banks.coverage import Sufficiency
from models.profiles.profile import Profile, StreamKind
from patchwatch.messages.anomaly_kind import AnomalyKind

_ANOMALY_OF_STREAM = {
    StreamKind.MOTION: AnomalyKind.BEHAVIOUR,
    StreamKind.VELOCITY: AnomalyKind.BEHAVIOUR,
    StreamKind.LOCAL: AnomalyKind.THING,
    StreamKind.CATEGORY: AnomalyKind.THING,
    StreamKind.GLOBAL: AnomalyKind.PLACE,
    StreamKind.PLACE: AnomalyKind.PLACE,
}


def anomaly_kind(profile: Profile, stream: str | None) -> AnomalyKind | None:
    """What is unusual where this stream of the profile stands out; None where none does."""
    return next((_ANOMALY_OF_STREAM[spec.kind] for spec in profile.streams if spec.name == stream), None)


def streams_of(kinds: Iterable[AnomalyKind]) -> frozenset[StreamKind]:
    """The streams that answer any of these questions."""
    asked = set(kinds)
    return frozenset(kind for kind, anomaly in _ANOMALY_OF_STREAM.items() if anomaly in asked)


def armed_kinds(bank: Bank) -> dict[AnomalyKind, bool]:
    """Each kind of anomaly that the bank's profile looks for, and whether enough is known of what is normal in that
    respect: the footage was long enough to tell, and none of the streams that look for it still learnt at its end. One
    that hardly ever speaks is no hindrance: silence is its normal."""
    learning = {stream.name for stream in bank.coverage.streams if stream.complete is False}
    long_enough = bank.coverage.verdict is not Sufficiency.TOO_SHORT
    armed: dict[AnomalyKind, bool] = {}
    for spec in bank.profile.streams:
        kind = _ANOMALY_OF_STREAM[spec.kind]
        armed[kind] = armed.get(kind, long_enough) and spec.name not in learning
    return armed
