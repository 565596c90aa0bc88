"""The place of an enrolment in the queue, and what it waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from patchwatch.messages.banks.enrolment import Enrolment, EnrolmentState


@dataclass(frozen=True)
class QueuePlace:
    """``position``: from 1; None: it does not wait. ``reason``: what it waits for, as a sentence."""

    position: int | None = None
    reason: str = ""

    @classmethod
    def from_pending(cls, enrolment: Enrolment, pending: Sequence[Enrolment], *, attended: bool) -> QueuePlace:
        """``pending``: all enrolments that wait or run. ``attended``: whether an enrolment worker is alive."""
        position = _position(enrolment, pending)
        if enrolment.state.pending and not attended:
            return cls(position, "no enrolment worker is running: start `patchwatch run enrolment`")
        if position is None:
            return cls()
        running = sum(other.state is EnrolmentState.RUNNING for other in pending)
        if not running or enrolment.live_seconds is not None:
            return cls(position, "a worker takes it in a moment")
        return cls(position, f"it is number {position} in the queue, behind {running} that are running")


def _position(enrolment: Enrolment, pending: Sequence[Enrolment]) -> int | None:
    if enrolment.state is not EnrolmentState.QUEUED:
        return None
    queued = (other for other in pending if other.state is EnrolmentState.QUEUED)
    return 1 + sum(other.turn < enrolment.turn for other in queued)
