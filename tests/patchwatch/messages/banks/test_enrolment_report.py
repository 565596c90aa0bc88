"""The enrolment report says in words what to do next, and comes back from JSON."""

from __future__ import annotations

from typing import Any

import pytest

from patchwatch.messages.banks.enrolment import Enrolment
from patchwatch.messages.banks.enrolment_report import EnrolmentReport


def facts(verdict: str, seconds: float = 600.0, **stream: Any) -> dict[str, Any]:
    streams = [{"name": "motion", "spoke": 90, "vectors": 90, "exemplars": 9, "complete": True} | stream]
    return {"seconds": seconds, "frames": 3000, "segments": 5, "verdict": verdict, "streams": streams}


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (
            facts("too_short", 9.6),
            [
                "learn from more footage: 10 s are too little",
                "--camera gate --profile motion",
                "give 15 minutes or more",
                '"live_seconds": 900',
                "patchwatch enrolments add gate --live 900",
            ],
        ),
        (
            facts("still_learning", 1200.0, complete=False, fall=0.18, covered=0.71),
            ["rest 18% more familiar", "71% of what stands out", "give 40 minutes", '"live_seconds": 2400'],
        ),
        (facts("complete"), ["nothing needs to be done", "POST /api/v1/cameras/gate/enrolments"]),
    ],
)
def test_the_next_step_names_reasons_and_a_command(facts: dict[str, Any], words: list[str]) -> None:
    step = EnrolmentReport.from_facts(facts, "gate", "motion").next_step
    assert [word for word in words if word not in step] == []


def test_a_stream_that_fell_by_nothing_does_not_say_it_did() -> None:
    step = EnrolmentReport.from_facts(
        facts("still_learning", complete=False, fall=-0.1, covered=0.5), "gate", "motion"
    ).next_step
    assert "more familiar" not in step


def test_no_more_is_advised_than_one_live_enrolment_takes() -> None:
    assert (
        '"live_seconds": 86400' in EnrolmentReport.from_facts(facts("complete", 500_000.0), "gate", "motion").next_step
    )


def test_regions_that_were_never_seen_survive_the_record() -> None:
    report = EnrolmentReport.from_facts(facts("complete", regions=((None, 0.5), (1.0, None))), "gate", "motion")
    job = Enrolment(id="job", camera_id="gate", profile="motion", report=report, created_at_ms=1, updated_at_ms=2)
    assert Enrolment.decode(job.encode()) == job
