"""A login of a user in a browser. Redis knows it by a digest of what the browser's cookie holds."""

from __future__ import annotations

from pydantic import Field

from patchwatch.contract.bounds import TimeMs
from patchwatch.messages.access.user import UserName
from patchwatch.messages.base import Message, RedactedText

MAX_SESSIONS = 2000  # of all users
MAX_SESSIONS_OF_USER = 20  # the oldest end


class LoginSession(Message):
    """``id`` names it to people, and opens nothing. Void when ``incarnation`` is not its user's any more.
    ``ends_at_ms``: when it ends although it is used; None: after the longest time that there is."""

    id: str = Field(max_length=64)
    user: UserName
    incarnation: str = Field(max_length=64)
    created_at_ms: TimeMs
    ends_at_ms: TimeMs | None = None
    address: RedactedText = ""
    agent: RedactedText = ""
