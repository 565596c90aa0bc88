"""A bank in the shadow of a camera's active one: it is scored beside it for a time, and raises no alert."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from patchwatch.contract.bounds import Count, TimeMs
from patchwatch.messages.banks.bank_version import BANK_ID_PATTERN
from patchwatch.messages.base import Message, RedactedText

MAX_SHADOW_ENTRIES = 1000  # changes of shadow alerts that are kept of a camera
DEFAULT_DAYS = 7.0
MAX_DAYS = 31.0


class BankShadow(BaseModel):
    """What is asked for, in the camera's configuration. From ``since_ms`` to ``until_ms`` (Unix time), unless the bank
    is removed or becomes the active one before."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    bank_id: str = Field(pattern=BANK_ID_PATTERN)
    since_ms: TimeMs
    until_ms: TimeMs


class ShadowStatus(Message):
    """How it goes, written by the inference worker with the camera's scores. ``refused``: why the bank is not scored;
    empty while it is. ``frames``: scored since ``since_ms`` of the `BankShadow`. ``ms_per_frame``: what scoring one
    more bank costs, of this worker."""

    bank_id: str = Field(pattern=BANK_ID_PATTERN)
    since_ms: TimeMs
    refused: RedactedText = ""
    frames: Count = 0
    failed: Count = 0
    ms_per_frame: float | None = Field(None, ge=0)
