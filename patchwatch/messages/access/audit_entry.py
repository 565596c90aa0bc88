"""One change, or one attempt to log in: who, from where, what."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from patchwatch.contract.bounds import TimeMs
from patchwatch.contract.redaction import one_line, redact
from patchwatch.messages.base import Message, RedactedText

MAX_ENTRIES = 10_000  # kept, the newest
MAX_CHANGES = 40  # fields that one entry lists
LONGEST_VALUE = 500  # characters
Value = Annotated[str, AfterValidator(lambda text: redact(one_line(text, LONGEST_VALUE)))]


class AuditEntry(Message):
    """``changes``: by field, its value before and after as JSON, without secrets; None where there was, or is, none."""

    at_ms: TimeMs
    who: RedactedText
    via: str = Field(max_length=20)  # user, token, local, command
    address: RedactedText = ""
    action: str = Field(max_length=200)  # "PATCH /api/v1/cameras/{camera_id}", or a word for what is no request
    path: RedactedText = ""
    status: int = 200
    changes: dict[str, tuple[Value | None, Value | None]] = Field(default_factory=dict, max_length=MAX_CHANGES)
