"""Whether a camera's quiet time still looks as normal did when its bank was learnt."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from patchwatch.contract.bounds import Count, TimeMs
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.base import CameraId, Message, RedactedText


class DriftingStream(BaseModel):
    """``share`` (0..1) of the quiet frames since ``since_ms`` are rarer than nine of ten normal ones were."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    name: str = Field(max_length=100)
    since_ms: TimeMs
    share: float = Field(ge=0, le=1)


class Drift(Message):
    """Written by an enrolment worker when it changes.

    ``hours``: judged with the active bank. ``text``: in words, what changed and what to do; empty while nothing did.
    ``alert``: the open one, while there is one.
    """

    camera_id: CameraId
    bank_id: str | None = Field(None, max_length=100)
    hours: Count = 0
    streams: tuple[DriftingStream, ...] = Field((), max_length=32)
    text: RedactedText = ""
    alert: Alert | None = None
    updated_at_ms: TimeMs = 0
