"""An enrolment: learning a bank from normal footage, as a job of the enrolment worker."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from patchwatch.contract.bounds import Count, TimeMs
from patchwatch.messages.banks.arming import MemoryExtent
from patchwatch.messages.banks.enrolment_report import EnrolmentReport
from patchwatch.messages.banks.threshold import AlarmThreshold
from patchwatch.messages.base import CameraId, Message, RedactedText


class EnrolmentState(StrEnum):
    """Queued, then running, then one of the three ends; a queued one may be cancelled at once."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def pending(self) -> bool:
        """Whether it is not over yet, and can be cancelled."""
        return self in (EnrolmentState.QUEUED, EnrolmentState.RUNNING)


class Enrolment(Message):
    """A request over the API to learn a bank from normal footage, and its progress.

    ``sources`` are ``file:`` addresses; with ``live_seconds`` the camera's own live frames are learnt from instead, and
    with ``from_memory`` what is remembered of it. ``by_itself``: nobody asked, the camera arms itself; ``memory`` says
    how much was remembered then.
    ``activate``: use the new bank even if it is worse than the present one. ``storing``: it is too late to cancel.
    ``outcome``: what happened to the new bank, in one sentence for people.
    """

    id: str
    camera_id: CameraId
    profile: str
    sources: tuple[str, ...] = ()
    live_seconds: float | None = Field(None, gt=0, le=86_400)
    from_memory: bool = False
    by_itself: bool = False
    memory: MemoryExtent | None = None
    analysis_fps: float | None = Field(None, gt=0, le=120)
    false_alarms_per_day: float | None = Field(None, ge=0.001, le=1000)  # None: the installation's
    activate: bool = False
    state: EnrolmentState = EnrolmentState.QUEUED
    attempts: Count = 0  # how often a worker has started it
    storing: bool = False
    progress: float = Field(0.0, ge=0, le=1)
    detail: RedactedText = ""
    bank_id: str | None = None
    activated: bool | None = None  # once it is done
    outcome: str = ""
    threshold: AlarmThreshold | None = None  # once it is done
    report: EnrolmentReport | None = None  # once it is done
    created_at_ms: TimeMs
    updated_at_ms: TimeMs

    @property
    def turn(self) -> tuple[bool, int, str]:
        """Sorts enrolments into the order in which they are begun: what an operator asked for first, oldest first."""
        return self.by_itself, self.created_at_ms, self.id
