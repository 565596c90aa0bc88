"""The settings of enrolment and of the memory of normal: a part of `patchwatch.contract.settings.Settings`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings

from patchwatch.contract.setting_parts import setting_values


class EnrolmentSettings(BaseSettings):
    """How normal is learnt, and what is remembered of it."""

    false_alarms_per_day: float = Field(
        4.0,
        ge=0.001,
        le=1000,
        description="False alarms accepted per camera, unless it has its own budget: sets the alert thresholds.",
    )
    bank_thumbnails_mb: float = Field(
        4.0, ge=0, le=1000, description="MB of pictures of normal kept in each bank, to explain scores with; 0: none."
    )
    bank_versions: int = Field(
        10,
        ge=2,
        le=1000,
        description="Banks kept per camera and profile; the active one and pinned ones are always kept.",
    )
    enrolment_processes: int = Field(
        2,
        ge=1,
        le=64,
        description="Banks that one enrolment worker learns at once, while it also records live cameras.",
    )
    enrolment_timeout_s: float = Field(
        60.0,
        gt=0,
        le=3600,
        description="Seconds without frames from a recording or a live camera after which its enrolment fails.",
    )

    # Memory of normal
    memory_mb: int = Field(
        256, ge=0, le=1_000_000, description="MB of normal, as features and small pictures, kept per camera; 0: none."
    )
    store_url: Annotated[str, AfterValidator(setting_values.check_storage_url)] | None = Field(
        None,
        max_length=500,
        description="Where hosts share banks and memory: s3://, gs:// or az:// with bucket and path (needs the extra "
        "`storage`), or a folder as file:///PATH. Default: nowhere; each host has what is in its DATA_DIR.",
    )
    self_arm: bool = Field(True, description="Whether cameras learn by themselves what is normal.")
    self_arm_after_s: float = Field(
        60.0, ge=10, le=3600, description="Seconds of remembered footage that a camera's first bank takes."
    )
