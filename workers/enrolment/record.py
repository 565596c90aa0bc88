"""The record of one enrolment, written by the holder of its lease until a user withdraws the enrolment."""

from __future__ import annotations

import logging
from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import translated
from patchwatch.contract.errors import InvalidMessageError
from patchwatch.messages.banks.enrolment import Enrolment
from workers.enrolment.known_records import KnownRecords
from workers.runtime.leases import Lease

log = logging.getLogger(__name__)


class WithdrawnError(Exception):
    """The enrolment was cancelled, or its camera removed."""


class EnrolmentRecord:
    """Changes `keys.ENROLMENT_RECORDS`. ``job`` is the record as last written; ``clock`` is kept by its owner."""

    def __init__(self, client: Any, job: Enrolment, lease: Lease, clock: BusClock) -> None:
        self._client = client
        self._clock = clock
        self._lease = lease
        self.job = job

    def save(self, **changes: object) -> None:
        """Write the record with these changes, unless a user withdrew it meanwhile.

        Raises `WithdrawnError`, `LeaseLostError` when another worker has it now, `BusUnavailableError`.
        """
        changed = self.job.model_copy(update={**changes, "updated_at_ms": self._clock.now_ms()})
        with translated():
            self._lease.write(
                self._client,
                lambda pipe: pipe.hset(keys.ENROLMENT_RECORDS, changed.id, changed.encode()),
                only_if=self._is_pending,
            )
        self.job = changed

    def _is_pending(self, pipe: Any) -> bool:
        pipe.watch(keys.ENROLMENT_RECORDS)
        try:
            stored = Enrolment.decode(pipe.hget(keys.ENROLMENT_RECORDS, self.job.id) or b"")
        except InvalidMessageError:
            raise WithdrawnError from None
        if not stored.state.pending:
            raise WithdrawnError
        return True


class PendingEnrolments:
    """The enrolments that wait or are worked on. Records that cannot be read are logged."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._records = KnownRecords(Enrolment.decode, _log_unreadable)

    def read(self) -> list[Enrolment]:
        """In the order of their turn."""
        records = self._records.by_name(self._client.hgetall(keys.ENROLMENT_RECORDS))
        # Of a record under another name the changes would go to another record.
        pending = (job for name, job in records.items() if job.state.pending and job.id.encode() == name)
        return sorted(pending, key=lambda job: job.turn)


def _log_unreadable(job_id: bytes, error: InvalidMessageError) -> None:
    log.error("enrolment %r is unreadable: %s", job_id, error)
