"""Banks as the API gives them."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from patchwatch.contract.timestamps import Time
from patchwatch.messages.bank_version import BankVersion, CameraBanks
from patchwatch.messages.enrolment_report import EnrolmentReport, Sufficiency


class BankView(BaseModel):
    """One version of a camera's bank, and what it was learnt from."""

    id: str = Field(examples=["0a1b2c3d4e5f"])
    profile: str = Field(examples=["motion"])
    active: bool = Field(description="Whether cameras of its profile are scored with it.")
    pinned: bool = Field(description="Whether it stays however many newer ones there are.")
    usable: bool = Field(description="False for one of a format that this version of Patchwatch cannot read.")
    created: str = Field(examples=["2026-11-28T05:30:00+00:00"])
    stored: Time
    by: str = Field(description="Who had it learnt.", examples=["enrolment 5f0e7c1b2a9d4e63 of the API"])
    enrolment_id: str | None
    sources: list[str] = Field(examples=[["gate live"]])
    live_seconds: float | None
    seconds: float = Field(description="Footage it was learnt from.", examples=[600.0])
    frames: int = Field(examples=[3000])
    verdict: Sufficiency | None
    format: int
    software: str = Field(description="What learnt it.", examples=["patchwatch 0.1.0"])
    size_bytes: int
    random_weights: bool

    @classmethod
    def of(cls, version: BankVersion, banks: CameraBanks) -> Self:
        same = version.model_dump(include=set(cls.model_fields))
        origin = version.origin
        return cls(
            **same, active=banks.active.get(version.profile) == version.id, created=version.created_at,
            stored=version.stored_at_ms, by=origin.by, enrolment_id=origin.enrolment_id,
            live_seconds=origin.live_seconds, software=origin.software, verdict=version.verdict,
        )  # fmt: skip


class BankDetail(BankView):
    report: EnrolmentReport | None = Field(None, description="How complete it is, and the next step.")


class BankList(BaseModel):
    """Newest first, of all profiles."""

    banks: list[BankView]

    @classmethod
    def of(cls, banks: CameraBanks) -> Self:
        return cls(banks=[BankView.of(one, banks) for one in banks.versions])


class BankChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    pinned: bool
