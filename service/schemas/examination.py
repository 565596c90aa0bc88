"""What `patchwatch doctor` finds, as the API shows it."""

from __future__ import annotations

import json
from typing import Literal, Self

from pydantic import BaseModel, Field, ValidationError

from patchwatch.contract.errors import RetryableError
from patchwatch.contract.timestamps import Time


class FindingView(BaseModel):
    """What one check found."""

    level: Literal["ok", "warn", "fail"] = Field(
        description="`warn`: it works, but not as one would expect. `fail`: to be corrected."
    )
    check: str = Field(examples=["data folder"])
    text: str = Field(
        description="What it means, then, unless all is well, the cause and what to do.",
        examples=["/var/lib/patchwatch: 81.2 GB free"],
    )


class ExaminationView(BaseModel):
    """All findings, as seen from the machine of the service."""

    ok: bool = Field(description="Whether nothing has to be corrected.")
    at: Time
    findings: list[FindingView] = Field(description="In the order in which they matter.")

    @classmethod
    def from_json(cls, answer: bytes, at_ms: int) -> Self:
        """Of the command's own answer. Raises `RetryableError` for one that is none."""
        try:
            return cls.model_validate(json.loads(answer) | {"at": at_ms})
        except (ValueError, TypeError, ValidationError):
            raise RetryableError(
                "`patchwatch doctor` did not end as it should: run it where the service runs"
            ) from None
