"""Enrolments as the API takes and gives them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from patchwatch.contract.timestamps import Time
from patchwatch.messages.banks.enrolment import Enrolment, EnrolmentState
from patchwatch.messages.banks.enrolment_report import EnrolmentReport
from patchwatch.messages.banks.threshold import AlarmThreshold
from service.schemas.request import Address, RequestBody, ShortText, at_most
from service.store.banks.queue_place import QueuePlace


class NewEnrolment(RequestBody):
    """Normal footage to learn from: recordings, or the live camera from now on."""

    sources: Annotated[list[Address], at_most(100)] = Field(
        [], max_length=100, examples=[["file:/media/gate-monday.mp4", "file:/media/gate-tuesday.mp4"]]
    )
    live_seconds: float | None = Field(
        None,
        ge=5,
        le=86_400,
        description="Learn from the live camera for this many seconds instead.",
        examples=[None],
    )
    from_memory: bool = Field(False, description="Learn from what is remembered of the camera instead.")
    profile: ShortText | None = Field(None, description="Default: the profile of the camera.", examples=["motion"])
    activate: bool = Field(False, description="Use the new bank even if it is worse than the present one.")

    @model_validator(mode="after")
    def _one_kind_of_footage(self) -> Self:
        if bool(self.sources) + (self.live_seconds is not None) + self.from_memory != 1:
            raise ValueError(
                "give one of sources (recordings), live_seconds (the live camera) and from_memory (what is remembered)"
            )
        return self


class EnrolmentView(BaseModel):
    """An enrolment: what it learns from, how far it is, and how it ended."""

    id: str = Field(examples=["5f0e7c1b2a9d4e63"])
    camera_id: str = Field(examples=["gate"])
    profile: str = Field(examples=["motion"])
    sources: list[str]
    live_seconds: float | None
    from_memory: bool = Field(description="Whether it learns from what is remembered of the camera.")
    by_itself: bool = Field(description="Whether nobody asked for it: the camera arms itself.")
    activate: bool = Field(description="Whether the new bank is used even if it is worse than the present one.")
    state: EnrolmentState
    position: int | None = Field(description="Position in the queue, from 1; null: it does not wait.")
    progress: float = Field(examples=[0.4])
    detail: str = Field(description="What it does now, what it waits for, or why it failed.")
    bank_id: str | None
    activated: bool | None = Field(description="Whether the camera is scored with its bank; null until it is done.")
    outcome: str = Field(
        description="What was done with its bank, and how to undo that; empty until it is done.",
        examples=["bank 5f0e is active"],
    )
    threshold: AlarmThreshold | None = Field(
        description="The threshold that its bank gives for the alarm budget; null until it is done."
    )
    report: EnrolmentReport | None = Field(
        description="How complete the bank is, and what to do next; null until it is done."
    )
    created: Time
    updated: Time

    @classmethod
    def from_record(cls, record: Enrolment, place: QueuePlace) -> Self:
        shared = record.model_dump(include=set(cls.model_fields)) | {"position": place.position}
        shared["detail"] = place.reason or record.detail
        return cls(**shared, created=record.created_at_ms, updated=record.updated_at_ms)


class EnrolmentList(BaseModel):
    """Enrolments, newest first."""

    enrolments: list[EnrolmentView]


class EnrolmentNotice(BaseModel):
    """A camera's latest enrolment in one sentence. ``text`` is empty once it needs no attention."""

    id: str = Field(examples=["5f0e7c1b2a9d4e63"])
    profile: str = Field(examples=["motion"])
    state: EnrolmentState
    position: int | None
    progress: float = Field(examples=[0.3])
    text: str = Field(examples=["learning, 30 % done: recording the live camera: 71 of 120 s"])
    updated: Time

    @classmethod
    def from_record(cls, record: Enrolment, place: QueuePlace) -> Self:
        return cls(
            id=record.id, profile=record.profile, state=record.state, position=place.position,
            progress=record.progress, text=_sentence(record, place), updated=record.updated_at_ms,
        )  # fmt: skip


def _sentence(record: Enrolment, place: QueuePlace) -> str:
    if record.state is EnrolmentState.FAILED:
        return f"the last enrolment failed: {record.detail}"
    if record.state is EnrolmentState.DONE:
        return "" if record.activated is not False or record.by_itself else f"the last enrolment {record.outcome}"
    if record.state is EnrolmentState.CANCELLED:
        return ""
    if place.position is not None or place.reason:
        return f"waits to learn: {place.reason}"
    return f"learning, {record.progress:.0%} done: {record.detail}"
