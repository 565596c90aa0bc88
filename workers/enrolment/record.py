"""The record of one enrolment, written by whoever holds its lease, as long as it is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import translated
from patchwatch.contract.errors import InvalidMessageError
from patchwatch.messages.enrolment import Enrolment
from workers.runtime.lease import Lease


class WithdrawnError(Exception):
    """The enrolment was cancelled, or its camera removed."""


class EnrolmentRecord:
    """Changes `keys.ENROLMENT_RECORDS`. ``job``: as it was last written by us. ``clock``: kept by its owner."""

    def __init__(self, client: Any, job: Enrolment, lease: Lease, clock: BusClock) -> None:
        self._client = client
        self._clock = clock
        self._lease = lease
        self.job = job

    def save(self, **changes: object) -> None:
        """Write the record with these changes, if nobody withdrew it meanwhile.

        Raises `WithdrawnError`, `LeaseLostError` when another worker has it now, `BusUnavailableError`.
        """
        changed = self.job.model_copy(update={**changes, "updated_at_ms": self._clock.now_ms()})
        with translated():
            self._lease.write(
                self._client,
                lambda pipe: pipe.hset(keys.ENROLMENT_RECORDS, changed.id, changed.encode()),
                only_if=self._wanted,
            )
        self.job = changed

    def _wanted(self, pipe: Any) -> bool:
        pipe.watch(keys.ENROLMENT_RECORDS)
        try:
            found = Enrolment.decode(pipe.hget(keys.ENROLMENT_RECORDS, self.job.id) or b"")
        except InvalidMessageError:
            raise WithdrawnError from None
        if not found.state.pending:
            raise WithdrawnError
        return True


def unfinished(client: Any, complain: Callable[[str], None]) -> Iterator[Enrolment]:
    """Enrolments that are asked for and not done, oldest first. ``complain(text)`` is told of unreadable ones."""
    jobs = []
    for job_id, data in client.hgetall(keys.ENROLMENT_RECORDS).items():
        try:
            job = Enrolment.decode(data)
        except InvalidMessageError as error:
            complain(f"enrolment {job_id!r} is unreadable: {error}")
        else:
            if job.id.encode() == job_id:  # what it is saved as would be another record, and this one stay undone
                jobs.append(job)
    yield from sorted((job for job in jobs if job.state.pending), key=lambda job: (job.created_at_ms, job.id))
