"""What a bank knows, as messages."""

from __future__ import annotations

from dataclasses import asdict

from models.banks.bank import Bank
from patchwatch.messages.banks.bank_context import BankContext, ContextSplit
from patchwatch.messages.banks.enrolment_report import EnrolmentReport
from workers.analysis.anomaly_kinds import anomaly_kind


def enrolment_report(bank: Bank, camera_id: str) -> EnrolmentReport:
    """How complete the bank is, with the next step for this camera."""
    facts = bank.coverage.facts() | {"cuts": bank.footage.cuts, "contexts": context_split(bank)}
    for stream, coverage in zip(facts["streams"], bank.coverage.streams, strict=True):
        kind = anomaly_kind(bank.profile, coverage.name)
        stream |= {"fall": coverage.fall, "complete": coverage.complete, "anomaly": kind}
    return EnrolmentReport.from_facts(facts, camera_id, bank.profile.name)


def context_split(bank: Bank) -> ContextSplit | None:
    """None where it has none: one normal for every light."""
    contexts = next((stream.contexts for stream in bank.streams if stream.contexts is not None), None)
    if contexts is None:
        return None
    named = zip(contexts.names, contexts.seconds, strict=True)
    parts = tuple(BankContext(name=name, seconds=seconds) for name, seconds in named)
    return ContextSplit(contexts=parts, **asdict(contexts.gain))


def contexts_of(bank: Bank) -> tuple[str, ...]:
    """Their names."""
    split = context_split(bank)
    return tuple(context.name for context in split.contexts) if split else ()
