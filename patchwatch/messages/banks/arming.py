"""A camera that arms itself: how far it is, and what is remembered of it to learn from."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from patchwatch.contract.bounds import PROFILE_PATTERN, Count, TimeMs
from patchwatch.messages.base import CameraId, Message, RedactedText


class ArmingState(StrEnum):
    """How far a camera's normal is known."""

    LEARNING = "learning"  # it is not scored yet
    PROVISIONAL = "provisional"  # it alerts at a lower level than its budget asks for, as little is known yet
    ARMED = "armed"


class MemoryExtent(BaseModel):
    """How much is remembered of a camera that can be learnt from. ``seconds``: without what must not be learnt.
    ``identity``: of the networks and options that made it; what others made does not count."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    seconds: float = Field(0.0, ge=0, le=1e10)
    stretches: Count = 0
    from_ms: TimeMs = 0
    until_ms: TimeMs = 0
    identity: str = Field("", max_length=100)

    @property
    def span_s(self) -> float:
        """Seconds from the oldest moment that is remembered to the newest."""
        return max(0.0, (self.until_ms - self.from_ms) / 1000)


class MemoryStatus(Message):
    """What an enrolment worker finds remembered of a camera, and what it will make of it. Written when it changes.

    ``first_bank_s``: seconds that the first bank takes. ``chosen``: id of the active bank if an operator chose it,
    which stays then. ``next_step``: when the camera learns again by itself, for people; empty where it does not.
    """

    camera_id: CameraId
    profile: str = Field(pattern=PROFILE_PATTERN)
    extent: MemoryExtent = MemoryExtent()
    first_bank_s: float = Field(gt=0)
    chosen: str | None = None
    next_step: RedactedText = ""
    updated_at_ms: TimeMs = 0
