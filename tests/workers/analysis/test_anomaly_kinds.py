"""What is unusual follows from the stream that stands out, and can be muted."""

from __future__ import annotations

import pytest

from models.profiles.profile import StreamKind, load_profile
from patchwatch.messages.anomaly_kind import AnomalyKind
from patchwatch.messages.banks.enrolment_report import EnrolmentReport, StreamReport, Sufficiency
from workers.analysis.anomaly_kinds import anomaly_kind, streams_of


@pytest.mark.parametrize(
    ("profile", "stream", "kind"),
    [
        ("scene", "place", AnomalyKind.PLACE), ("scene", "motion", AnomalyKind.BEHAVIOUR),
        ("objects", "category", AnomalyKind.THING), ("objects", "velocity", AnomalyKind.BEHAVIOUR),
        ("motion", "place", None), ("motion", None, None),
    ],
)  # fmt: skip
def test_a_stream_looks_for_one_kind(profile: str, stream: str | None, kind: AnomalyKind | None) -> None:
    assert anomaly_kind(load_profile(profile), stream) is kind


def test_each_stream_belongs_to_exactly_one_kind() -> None:
    kinds = [streams_of([kind]) for kind in AnomalyKind]
    assert sorted(kind for streams in kinds for kind in streams) == sorted(StreamKind)
    assert streams_of(AnomalyKind) == frozenset(StreamKind)


def test_a_report_says_for_which_kinds_the_footage_suffices() -> None:
    def stream(name: str, kind: AnomalyKind, complete: bool | None) -> StreamReport:
        return StreamReport(name=name, spoke=9, vectors=9, exemplars=9, anomaly=kind, complete=complete)

    streams = (
        stream("a", AnomalyKind.BEHAVIOUR, True), stream("b", AnomalyKind.BEHAVIOUR, False),
        stream("c", AnomalyKind.THING, True), stream("d", AnomalyKind.PLACE, None),
    )  # fmt: skip
    report = EnrolmentReport(
        seconds=60.0, frames=300, segments=5, verdict=Sufficiency.STILL_LEARNING, streams=streams, next_step=""
    )
    assert report.enough_for(enough=True) == (AnomalyKind.THING,)
    assert report.enough_for(enough=False) == (AnomalyKind.BEHAVIOUR, AnomalyKind.PLACE)
