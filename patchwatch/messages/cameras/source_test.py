"""A source that is tried before a camera is added: the order, and what came of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from patchwatch.contract.bounds import Count, TimeMs
from patchwatch.messages.base import Message, RedactedText
from patchwatch.messages.cameras.camera import Transport

MAX_ADDRESS = 2000
START_WITHIN_S = 5.0  # an order that no ingest worker has begun by then is dropped
DONE_WITHIN_S = 20.0  # from then on
_MAX_PICTURE = 2_000_000  # characters of base64


class SourceTestOrder(Message):
    """Contains credentials, like the configuration of a camera. An ingest worker answers it under the token."""

    token: str = Field(max_length=64)
    source: str = Field(max_length=MAX_ADDRESS)
    transport: Transport = Transport.TCP
    tls_verify: bool = True
    asked_at_ms: TimeMs


class SourceTestAnswer(Message):
    """``text``: in words, what the source delivers, or why it does not and what to do. ``picture``: its first one, a
    JPEG in base64. ``width``, ``height``: of the source, in pixels."""

    works: bool
    text: RedactedText
    reason: str | None = Field(None, max_length=40)
    codec: str = Field("", max_length=40)
    width: Count = 0
    height: Count = 0
    picture: Annotated[str, Field(max_length=_MAX_PICTURE)] = ""
