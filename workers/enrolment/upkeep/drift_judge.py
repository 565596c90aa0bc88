"""Judges whether a camera drifts, from its quiet hours, and says what changed and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from models.alarms.drift import DriftTest, HourShare, StreamDrift
from models.profiles.profile import Profile
from patchwatch.contract.learning_advice import how_to_learn
from patchwatch.contract.timestamps import iso
from patchwatch.messages.anomaly_kind import AnomalyKind
from patchwatch.messages.banks.arming import MemoryStatus
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.drift import Drift, DriftingStream
from patchwatch.messages.cameras.quiet_hour import QuietHour
from workers.analysis.anomaly_kinds import anomaly_kind

# A camera that learns by itself has a bank of more than a week once so much is remembered of it (`schedule`): one of
# three days has not seen the weather of the fourth (docs/decisions/045).
YOUNG_S = 10 * 86_400.0
_CHANGED = {
    AnomalyKind.BEHAVIOUR: "how things move",
    AnomalyKind.PLACE: "what places look like",
    AnomalyKind.THING: "which things are there",
}
_WHY = {
    AnomalyKind.BEHAVIOUR: "the traffic is another one, or the camera shakes",
    AnomalyKind.PLACE: "something came or went for good, the light is another one, or the camera was moved",
    AnomalyKind.THING: "things come here now that did not",
}


@dataclass(frozen=True)
class Judged:
    """A camera with all that its drift is judged by. ``memory``: None where it is not known."""

    camera: Camera
    profile: Profile
    bank_id: str | None
    memory: MemoryStatus | None
    self_arms: bool


def judge(known: Judged, hours: Sequence[QuietHour]) -> Drift:
    """Whether the camera drifts after these hours, which are in order. Without times and alert."""
    own = hours_of_bank(hours, known.bank_id)
    found = {} if _is_young(known) else _drifting(_heard(known), own)
    streams = tuple(
        DriftingStream(name=name, since_ms=drift.since_ms, share=drift.share) for name, drift in found.items()
    )
    return Drift(
        camera_id=known.camera.id, bank_id=known.bank_id, hours=len(own), streams=streams,
        text=_text(known, streams) if streams else "",
    )  # fmt: skip


def hours_of_bank(hours: Sequence[QuietHour], bank_id: str | None) -> list[QuietHour]:
    """Those that were scored with this bank alone. In the first hour that names it, another may have scored before."""
    if bank_id is None:
        return []
    return [hour for before, hour in pairwise(hours) if before.bank_id == hour.bank_id == bank_id]


def _heard(known: Judged) -> list[str]:
    """The streams whose kind of anomaly the operator has not muted."""
    names = [spec.name for spec in known.profile.streams]
    return [name for name in names if anomaly_kind(known.profile, name) not in known.camera.muted]


def _is_young(known: Judged) -> bool:
    """Whether what it has not seen yet is no drift, as it is still learning. Not where a bank stays for good."""
    if not known.self_arms or (known.memory is not None and known.memory.chosen is not None):
        return False
    return known.memory is None or known.memory.extent.span_s < YOUNG_S


def _drifting(streams: Sequence[str], hours: Sequence[QuietHour]) -> dict[str, StreamDrift]:
    found = {}
    for stream in streams:
        test = DriftTest(len(streams))
        for hour in hours:
            share = hour.share(stream)
            if share is not None:
                test.add(HourShare(hour.hour_ms, share))
        if test.drift is not None:
            found[stream] = test.drift
    return found


def _text(known: Judged, streams: Sequence[DriftingStream]) -> str:
    kinds = list(dict.fromkeys(anomaly_kind(known.profile, stream.name) for stream in streams))
    named = [kind for kind in kinds if kind is not None]
    looked_for = {anomaly_kind(known.profile, spec.name) for spec in known.profile.streams}
    if len(named) > 1 and set(named) == looked_for:
        what, why = "all that is looked at", "was the camera moved, or its picture changed?"
    else:
        what = " and ".join(_CHANGED[kind] for kind in named)
        why = f"perhaps {' or '.join(_WHY[kind] for kind in named)}"
    shares = ", ".join(f"{stream.name} {stream.share:.0%}" for stream in streams)
    since = iso(min(stream.since_ms for stream in streams))
    return (
        f"look at the camera: since {since} {what} is not as it was learnt, {why}. Share of quiet frames that are as "
        f"rare as one in ten was: {shares}. {_next_step(known)}"
    )


def _next_step(known: Judged) -> str:
    how = how_to_learn(known.camera.id)
    if known.self_arms and known.memory is not None and known.memory.chosen is None:
        return f"If it is to stay like this: it learns that by itself within a week, or at once {how}"
    return f"If it is to stay like this, learn it {how}"
