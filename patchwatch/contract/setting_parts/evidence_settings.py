"""The settings of evidence and links: a part of `patchwatch.contract.settings.Settings`."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from patchwatch.contract.setting_parts import setting_values


class EvidenceSettings(BaseSettings):
    """What is kept of an alert, where, and for how long."""

    if TYPE_CHECKING:
        data_dir: Path

    evidence: bool = Field(True, description="Whether a clip and pictures of each alert are kept.")
    evidence_pre_roll_s: float = Field(
        5.0, ge=0, le=60, description="Seconds before an alert began that its clip shows, as far as they are queued."
    )
    evidence_post_roll_s: float = Field(
        5.0, ge=0, le=60, description="Seconds that its clip shows after the alert ended."
    )
    evidence_max_s: float = Field(
        60.0,
        ge=5,
        le=600,
        description="Longest clip; of a longer alert it shows the beginning and, if that came later, the peak.",
    )
    evidence_url: Annotated[str, AfterValidator(setting_values.check_storage_url)] | None = Field(
        None,
        max_length=500,
        description="Where evidence is stored: s3://, gs:// or az:// with bucket and path (needs the extra `storage`), "
        "or a folder as file:///PATH. Default: DATA_DIR/evidence.",
    )
    evidence_spool_mb: int = Field(
        500, ge=10, le=1_000_000, description="MB of evidence kept in DATA_DIR while it waits for that store."
    )
    evidence_mb: int = Field(
        5000, ge=10, le=100_000_000, description="MB of evidence stored; beyond that, the oldest is removed."
    )
    evidence_retention_days: float = Field(
        14.0,
        gt=0,
        description="How long evidence is kept; longer if somebody says so, or while the alert counts as an anomaly.",
    )
    link_hours: float = Field(
        168.0, gt=0, le=87_600, description="How long signed links to pictures and clips work, in messages of webhooks."
    )

    @field_validator("evidence_max_s")
    @classmethod
    def _check_longest_clip(cls, value: float, info: ValidationInfo) -> float:
        if value < 2 * (info.data.get("evidence_pre_roll_s", 0.0) + info.data.get("evidence_post_roll_s", 0.0)):
            raise ValueError(
                "is less than twice PATCHWATCH_EVIDENCE_PRE_ROLL_S and PATCHWATCH_EVIDENCE_POST_ROLL_S together"
            )
        return value

    @cached_property
    def evidence_dir(self) -> Path:
        """Evidence of alerts, where no other place is set: one folder per alert."""
        return self.data_dir / "evidence"

    @cached_property
    def evidence_spool_dir(self) -> Path:
        """Evidence that is being recorded, or waits to be stored: one folder per alert."""
        return self.data_dir / "evidence-spool"
