"""What goes in to the process that sends a message, and what comes back: a line of JSON each."""

from __future__ import annotations

from typing import Any

from pydantic import Base64Bytes, Field, SecretStr, field_serializer

from patchwatch.messages.base import Message

READY, WRITTEN = b"ready\n", b"written\n"
MAX_TITLE, MAX_TEXT = 250, 4000  # characters of a message: longer ones are cut


class MessageOrder(Message):
    """``url``: as Apprise writes it. ``reach``: `Settings.webhook_reach`. ``title``, ``body``: templates, empty for
    ours; ``context``: what they are filled with. ``picture``: JPEG. ``send``: else it is only checked."""

    url: SecretStr | None = None
    reach: str = "public"
    title: str = ""
    body: str = ""
    context: dict[str, Any] = Field(default_factory=dict)
    picture: Base64Bytes | None = None
    send: bool = True

    @field_serializer("url", when_used="json-unless-none")
    def _tell_process(self, value: SecretStr) -> str:
        return value.get_secret_value()


class MessageReport(Message):
    """``fault``: what is wrong with the order, in a field that is named. ``status``: HTTP, where the service told one.
    ``refusal``: why no connection was allowed."""

    title: str = ""
    text: str = ""
    sent: bool = False
    fault: str | None = None
    fault_field: str = "url"
    status: int | None = None
    refusal: str | None = None
    unreachable: bool = False
