"""API tokens as the API takes and shows them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field

from patchwatch.contract.timestamps import Time
from patchwatch.messages.access.api_token import TOKEN_NAME_PATTERN, ApiToken, Scope
from service.schemas.access.user import CameraList
from service.schemas.request import RequestBody


class NewToken(RequestBody):
    """A token for a program."""

    name: Annotated[str, Field(max_length=63, pattern=TOKEN_NAME_PATTERN)] = Field(examples=["Home Assistant"])
    scope: Scope = Field(Scope.READ, description="`read` as a viewer, `operate` as an operator, `admin`.")
    cameras: CameraList | None = Field(None, description="The only cameras that it shows; null: all.")
    expires_days: float | None = Field(None, gt=0, le=3650, description="Days until it ends; null: never.")


class TokenView(BaseModel):
    """A token without what it consists of."""

    id: str
    name: str
    scope: Scope
    cameras: list[str] | None
    created: Time
    created_by: str
    expires: Time | None
    last_used: Time | None

    @classmethod
    def from_record(cls, token: ApiToken, used_at_ms: int) -> Self:
        cameras = None if token.cameras is None else list(token.cameras)
        return cls(
            id=token.id, name=token.name, scope=token.scope, cameras=cameras, created=token.created_at_ms,
            created_by=token.created_by, expires=token.expires_at_ms, last_used=used_at_ms or None,
        )  # fmt: skip


class NewTokenView(TokenView):
    """With the token, which is never shown again."""

    token: str


class TokenList(BaseModel):
    """All tokens."""

    tokens: list[TokenView]
