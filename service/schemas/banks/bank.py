"""Banks as the API shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from patchwatch.contract.timestamps import Time, iso
from patchwatch.messages.banks.bank_version import BankVersion, CameraBanks
from patchwatch.messages.banks.enrolment_report import EnrolmentReport, Sufficiency


class BankView(BaseModel):
    """One version of a camera's bank, and the footage it was learnt from."""

    id: str = Field(examples=["0a1b2c3d4e5f"])
    profile: str = Field(examples=["motion"])
    active: bool = Field(description="Whether the camera is scored with it when it uses this profile.")
    pinned: bool = Field(description="Whether it is kept, however many newer banks there are.")
    usable: bool = Field(description="False: this version of Patchwatch cannot read its format.")
    created: str = Field(examples=["2026-11-28T05:30:00.000Z"])
    stored: Time
    by: str = Field(
        description="What started the enrolment: a command and its user, or an enrolment of the API.",
        examples=["enrolment 5f0e7c1b2a9d4e63 of the API"],
    )
    enrolment_id: str | None
    sources: list[str] = Field(examples=[["gate live"]])
    live_seconds: float | None
    by_itself: bool = Field(description="Whether the camera learnt it by itself.")
    chosen: bool = Field(
        description="Whether an operator activated it: the camera then replaces it by none of its own."
    )
    seconds: float = Field(description="Seconds of footage it was learnt from.", examples=[600.0])
    frames: int = Field(examples=[3000])
    verdict: Sufficiency | None
    contexts: list[str] = Field(
        description="Contexts with a normal of their own, as `infrared` and `colour`; empty: one normal for all.",
        examples=[["dark", "bright"]],
    )
    format: int
    software: str = Field(description="The software that learnt it.", examples=["patchwatch 0.1.0"])
    size_bytes: int
    random_weights: bool

    @classmethod
    def from_version(cls, version: BankVersion, banks: CameraBanks) -> Self:
        """``banks``: all banks of the camera, which tell the active one."""
        shared = version.model_dump(include=set(cls.model_fields))
        origin, split = version.origin, version.report.contexts if version.report else None
        return cls(
            **shared, active=banks.active.get(version.profile) == version.id, created=learnt_at(version.created_at),
            stored=version.stored_at_ms, by=origin.by, enrolment_id=origin.enrolment_id,
            live_seconds=origin.live_seconds, by_itself=origin.by_itself, software=origin.software,
            verdict=version.verdict, contexts=[context.name for context in split.contexts] if split else [],
        )  # fmt: skip


class BankDetail(BankView):
    """A bank with the report of its enrolment."""

    report: EnrolmentReport | None = Field(None, description="How complete the bank is, and what to do next.")


class BankList(BaseModel):
    """The banks of all profiles, newest first."""

    banks: list[BankView]

    @classmethod
    def from_banks(cls, banks: CameraBanks) -> Self:
        return cls(banks=[BankView.from_version(version, banks) for version in banks.versions])


class BankChange(BaseModel):
    """What can be changed of a bank. A pinned one is kept when older versions are removed."""

    model_config = ConfigDict(extra="forbid")

    pinned: bool


def learnt_at(created_at: str) -> str:
    """When a bank was learnt, in the format of all times of the API. Bank files hold another form of ISO 8601."""
    try:
        created = datetime.fromisoformat(created_at)
    except ValueError:
        return created_at  # somebody edited the file; show the text as it is
    return iso(round((created if created.tzinfo else created.replace(tzinfo=UTC)).timestamp() * 1000))
