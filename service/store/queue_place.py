"""Where an enrolment stands among all that are asked for, and what it waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from patchwatch.messages.enrolment import Enrolment, EnrolmentState


@dataclass(frozen=True)
class QueuePlace:
    """``position``: from 1; None for one that does not wait. ``reason``: what it waits for, in words."""

    position: int | None = None
    reason: str = ""

    @classmethod
    def of(cls, job: Enrolment, every: Sequence[Enrolment], *, attended: bool) -> QueuePlace:
        """Among ``every`` enrolment that waits or runs. ``attended``: whether an enrolment worker is alive."""
        if job.state.pending and not attended:
            return cls(_position(job, every), "no enrolment worker is up: start `patchwatch run enrolment`")
        position = _position(job, every)
        if position is None:
            return cls()
        running = sum(other.state is EnrolmentState.RUNNING for other in every)
        if not running or job.live_seconds is not None:
            return cls(position, "a worker takes it in a moment")
        return cls(position, f"it is number {position} of those that wait for a place beside the {running} that run")


def _position(job: Enrolment, every: Sequence[Enrolment]) -> int | None:
    if job.state is not EnrolmentState.QUEUED:
        return None
    age = (job.created_at_ms, job.id)
    queued = (other for other in every if other.state is EnrolmentState.QUEUED)
    return 1 + sum((other.created_at_ms, other.id) < age for other in queued)
