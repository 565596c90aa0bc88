"""Users as the API takes and shows them. Their rules live in `patchwatch.messages.access.user`."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, SecretStr

from patchwatch.contract.timestamps import Time
from patchwatch.messages.access.user import MAX_CAMERAS_OF_USER, USER_NAME_PATTERN, User, UserRole
from service.schemas.request import Id, RequestBody, at_most

LONGEST_PASSWORD = 4096  # characters that a request may bring; what is accepted: `service.access.passwords`
Password = Annotated[SecretStr, Field(max_length=LONGEST_PASSWORD)]
CameraList = Annotated[list[Id], at_most(MAX_CAMERAS_OF_USER)]


class UserChange(RequestBody):
    """Fields to change; the others keep their values."""

    role: UserRole | None = Field(None, examples=["operator"])
    cameras: CameraList | None = Field(
        None,
        description="The only cameras that the user sees; null: all, as an admin always does.",
        examples=[["gate"]],
    )
    password: Password | None = Field(None, description="12 characters or more. Ends all logins of the user.")
    disabled: bool | None = Field(None, description="Whether the user may not log in at present.")

    def fields(self) -> dict[str, Any]:
        """The fields that the request sets; `cameras` may be set to null."""
        named = {name: getattr(self, name) for name in self.model_fields_set}
        return {name: value for name, value in named.items() if value is not None or name == "cameras"}


class NewUser(UserChange):
    """Somebody who may log in."""

    name: Annotated[str, Field(max_length=63, pattern=USER_NAME_PATTERN)] = Field(examples=["ada"])
    role: UserRole = Field(UserRole.VIEWER, examples=["operator"])
    password: Password = Field(examples=["correct horse battery staple"])


class UserView(BaseModel):
    """A user without his password."""

    name: str
    role: UserRole
    cameras: list[str] | None
    disabled: bool
    provider: str | None = Field(None, description="Issuer at which he logs in, in place of a password.")
    created: Time

    @classmethod
    def from_record(cls, user: User) -> Self:
        cameras = None if user.cameras is None else list(user.cameras)
        provider = None if user.identity is None else user.identity.issuer
        return cls(
            name=user.name, role=user.role, cameras=cameras, disabled=user.disabled, provider=provider,
            created=user.created_at_ms,
        )  # fmt: skip


class UserList(BaseModel):
    """All users."""

    users: list[UserView]
