"""A user: who may log in, as what, and which cameras he sees."""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_serializer, model_validator

from patchwatch.contract.bounds import TimeMs
from patchwatch.messages.base import CameraId, Message

MAX_USERS = 500
MAX_CAMERAS_OF_USER = 1000
USER_NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"
UserName = Annotated[str, StringConstraints(pattern=USER_NAME_PATTERN)]
Cameras = Annotated[tuple[CameraId, ...], Field(max_length=MAX_CAMERAS_OF_USER)]


class UserRole(StrEnum):
    """What somebody may do; each role may do what those before it may."""

    VIEWER = "viewer"  # see cameras, scores and alerts
    OPERATOR = "operator"  # and judge alerts, teach cameras, set their thresholds
    ADMIN = "admin"  # and everything else: cameras, webhooks, users

    def covers(self, other: UserRole) -> bool:
        """Whether this role may do what ``other`` may."""
        order = list(UserRole)
        return order.index(self) >= order.index(other)


class ProviderIdentity(BaseModel):
    """Whom a provider of OpenID Connect means: ``subject`` is one user of ``issuer`` for ever, whatever his name."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    issuer: str = Field(max_length=500)
    subject: str = Field(min_length=1, max_length=255)


class User(Message):
    """Stored in Redis. ``cameras``: those that he sees; None: all, as admins always do. ``identity``: of a user who
    logs in at a provider, which says what he may do; None: with the password.

    ``incarnation`` changes with the password, and when all logins are ended: those from before are void at once.
    """

    name: UserName
    role: UserRole
    cameras: Cameras | None = None
    password_hash: SecretStr | None = None  # argon2id, in the PHC form
    identity: ProviderIdentity | None = None
    disabled: bool = False
    incarnation: str = Field(default_factory=lambda: uuid.uuid4().hex, max_length=64)
    created_at_ms: TimeMs

    @property
    def id(self) -> str:
        return self.name

    @model_validator(mode="after")
    def _admins_see_all(self) -> User:
        if self.role is UserRole.ADMIN and self.cameras is not None:
            raise ValueError("an admin sees all cameras: leave `cameras` out, or give another role")
        return self

    @field_serializer("password_hash", when_used="json")
    def _keep_hash_in_store(self, value: SecretStr | None) -> str | None:
        return value.get_secret_value() if value is not None else None
