"""The record of one enrolment, written by the holder of its lease until a user withdraws the enrolment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import translated
from patchwatch.contract.errors import InvalidMessageError
from patchwatch.messages.banks.enrolment import Enrolment
from workers.runtime.leases import Lease


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


def pending_enrolments(client: Any, on_unreadable: Callable[[str], None]) -> list[Enrolment]:
    """In the order of their turn. ``on_unreadable(text)`` is called for each record that cannot be read."""
    jobs = []
    for job_id, data in client.hgetall(keys.ENROLMENT_RECORDS).items():
        try:
            job = Enrolment.decode(data)
        except InvalidMessageError as error:
            on_unreadable(f"enrolment {job_id!r} is unreadable: {error}")
        else:
            if job.id.encode() == job_id:  # else changes would go to another record
                jobs.append(job)
    return sorted((job for job in jobs if job.state.pending), key=lambda job: job.turn)
