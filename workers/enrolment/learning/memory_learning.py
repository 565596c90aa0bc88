"""Learns the bank of an order from what is remembered of the camera. Loads neither decoder nor network."""

from __future__ import annotations

from models.banks.bank import Bank
from models.memory.store import MemoryStore
from models.profiles.profile import load_profile
from patchwatch.contract.settings import Settings
from workers.analysis.memory_learner import learn_from_memory
from workers.enrolment.learning.protocol import LearningOrder
from workers.enrolment.learning.reporter import Reporter


def learn_from_order(order: LearningOrder, settings: Settings, reporter: Reporter) -> Bank:
    """Raises `InsufficientFootageError` and `ConfigurationError`."""
    assert order.memory is not None
    return learn_from_memory(
        MemoryStore(order.memory, settings.memory_mb),
        load_profile(order.profile, settings.profiles_file),
        false_alarms_per_day=order.false_alarms_per_day,
        thumbnails_mb=settings.bank_thumbnails_mb,
        rejected_ms=[(span.from_ms, span.until_ms) for span in order.rejected],
        learnt_ms=[(span.from_ms, span.until_ms) for span in order.learnt],
        progress=reporter.progress,
    )
