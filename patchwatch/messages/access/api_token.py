"""A named token for a program. Redis holds a digest of it: the token itself is shown once."""

from __future__ import annotations

import hashlib
import re
import secrets
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from patchwatch.contract.bounds import TimeMs
from patchwatch.messages.access.user import Cameras, UserRole
from patchwatch.messages.base import Message, RedactedText

MAX_TOKENS = 200
TOKEN_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$"  # noqa: S105 - no secret
TOKEN_PREFIX = "pw_"  # noqa: S105 - no secret
_TOKEN = re.compile(r"pw_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
TokenName = Annotated[str, StringConstraints(pattern=TOKEN_NAME_PATTERN)]


class Scope(StrEnum):
    """What a token may be used for."""

    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"

    @property
    def role(self) -> UserRole:
        """The role of a user that may do the same."""
        return {Scope.READ: UserRole.VIEWER, Scope.OPERATE: UserRole.OPERATOR, Scope.ADMIN: UserRole.ADMIN}[self]


class ApiToken(Message):
    """``cameras``: those that its holder sees; None: all. ``expires_at_ms``: None: never."""

    id: str = Field(pattern=r"^[0-9a-f]{12}$")
    name: TokenName
    scope: Scope
    cameras: Cameras | None = None
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", repr=False)  # SHA-256; a random secret needs no slow hash
    created_at_ms: TimeMs
    created_by: RedactedText = ""
    expires_at_ms: TimeMs | None = None

    @model_validator(mode="after")
    def _admins_see_all(self) -> ApiToken:
        if self.scope is Scope.ADMIN and self.cameras is not None:
            raise ValueError("a token of the scope `admin` sees all cameras: leave `cameras` out")
        return self


def new_token() -> tuple[str, str, str]:
    """A new token, its id, and the digest to store."""
    token_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    return f"{TOKEN_PREFIX}{token_id}_{secret}", token_id, digest(secret)


def parse_token(text: str) -> tuple[str, str] | None:
    """The id and the secret's digest; None for what is no token of ours."""
    match = _TOKEN.fullmatch(text)
    return (match[1], digest(match[2])) if match else None


def digest(secret: str) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(secret.encode()).hexdigest()
