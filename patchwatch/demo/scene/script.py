"""The scripted anomalies of a scene: what happens when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

FIRST_ANOMALY_S = 100.0
ANOMALY_EVERY_S = 20.0


class AnomalyKind(StrEnum):
    """The kinds of anomalies."""

    RUN = "run"
    VEHICLE = "vehicle"
    FALL = "fall"


# How long an anomaly is visible.
DURATION_S = {AnomalyKind.RUN: 6.0, AnomalyKind.VEHICLE: 5.0, AnomalyKind.FALL: 9.0}


@dataclass(frozen=True)
class Anomaly:
    """One scripted anomaly, in seconds of the scene."""

    starts_at_s: float
    kind: AnomalyKind

    @property
    def ends_at_s(self) -> float:
        return self.starts_at_s + DURATION_S[self.kind]


Script = Sequence[Anomaly]


def repeating(first_s: float = FIRST_ANOMALY_S, every_s: float = ANOMALY_EVERY_S, until_s: float = 86_400.0) -> Script:
    """A run, a vehicle, a fall, and again, until the scene ends."""
    kinds = tuple(AnomalyKind)
    count = max(0, int((until_s - first_s) // every_s) + 1)
    return tuple(Anomaly(first_s + number * every_s, kinds[number % len(kinds)]) for number in range(count))
