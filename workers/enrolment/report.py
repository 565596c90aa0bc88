"""The enrolment report of a bank, as it is sent and shown."""

from __future__ import annotations

from models.banks.bank import Bank
from patchwatch.messages.enrolment_report import EnrolmentReport


def report_of(bank: Bank, camera_id: str) -> EnrolmentReport:
    """How complete the bank is, with the next step for this camera."""
    facts = bank.coverage.facts() | {"cuts": bank.footage.cuts}
    for stream, found in zip(facts["streams"], bank.coverage.streams, strict=True):
        stream |= {"fall": found.fall, "complete": found.complete}
    return EnrolmentReport.from_facts(facts, camera_id, bank.profile.name)
