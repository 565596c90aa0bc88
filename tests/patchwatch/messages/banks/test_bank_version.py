"""A bank that is worse than the present one says in what, and takes its place only when asked to."""

from __future__ import annotations

from typing import Any

import pytest

from patchwatch.messages.banks.bank_version import BankOrigin, BankVersion
from patchwatch.messages.banks.enrolment_report import EnrolmentReport


def version(verdict: str = "complete", seconds: float = 600.0, **spoke: int) -> BankVersion:
    streams = [
        {"name": name, "spoke": count, "vectors": count, "exemplars": 9}
        for name, count in ({"motion": 90} | spoke).items()
    ]
    facts: dict[str, Any] = {"seconds": seconds, "frames": 3000, "segments": 5, "verdict": verdict, "streams": streams}
    return BankVersion(
        id="0a1b2c3d4e5f", camera_id="gate", profile="motion", format=2, created_at="2026-11-28T05:00:00+00:00",
        stored_at_ms=1, origin=BankOrigin(by="a test"), seconds=seconds,
        report=EnrolmentReport.from_facts(facts, "gate", "motion"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("new", "present", "reason"),
    [
        (version("too_short", 6), version("complete", 600), "knows normal less well (6 s of footage, too short)"),
        (version("still_learning", 900), version("complete", 600), "less well (900 s of footage, still learning)"),
        (version("complete", 200), version("complete", 600), "learnt from 200 s of footage, the present one from 600"),
        (version(velocity=0), version(velocity=5), "nothing was found by velocity"),
        (version("complete", 9000, motion=0), version("too_short", 6), "nothing was found by motion"),
    ],
)
def test_a_worse_bank_says_why(new: BankVersion, present: BankVersion, reason: str) -> None:
    assert reason in new.worse_than(present)


@pytest.mark.parametrize(
    ("new", "present"),
    [
        (version("complete", 400), version("complete", 600)),
        (version("complete", 130), version("still_learning", 200)),
        (version("too_short", 60), version("too_short", 60)),
        (version(velocity=5), version(velocity=0)),
        (version(velocity=0), version(velocity=0)),
    ],
)
def test_a_bank_as_good_takes_the_place(new: BankVersion, present: BankVersion) -> None:
    assert new.worse_than(present) == ""


def test_of_a_bank_that_cannot_be_read_nothing_is_said() -> None:
    unreadable = version().model_copy(update={"report": None})
    assert version("too_short").worse_than(unreadable) == unreadable.worse_than(version()) == ""


def test_a_version_survives_the_record() -> None:
    assert BankVersion.decode(version().encode()) == version()
