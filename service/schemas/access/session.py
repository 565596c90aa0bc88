"""Logins as the API takes and shows them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field

from patchwatch.contract.timestamps import Time
from patchwatch.messages.access.login_session import LoginSession
from patchwatch.messages.access.user import UserRole
from service.schemas.access.user import Password
from service.schemas.request import RequestBody

Name = Annotated[str, Field(max_length=63)]


class LoginOffer(BaseModel):
    """Which ways in there are now."""

    password: bool = Field(description="Whether there are users who log in with a password.")
    setup: bool = Field(description="Whether a set-up link waits for its first use.")
    provider: str | None = Field(None, description="Name of the provider that users log in at; null: none.")
    fault: str | None = Field(None, description="Why this browser's last login at the provider failed, told once.")


class ProviderStart(BaseModel):
    """A login at the provider that has begun. This browser alone can finish it, within ten minutes."""

    url: str = Field(description="Where to lead the browser.")


class NewSession(RequestBody):
    """A user's name and password."""

    name: Name = Field(examples=["ada"])
    password: Password


class FirstUser(RequestBody):
    """The first admin. ``code``: from the set-up link, which the service writes when it starts."""

    code: Annotated[str, Field(max_length=100)]
    name: Name = Field(examples=["ada"])
    password: Password


class PasswordChange(RequestBody):
    """One's own password. All other logins end."""

    current: Password
    new: Password


class Me(BaseModel):
    """Who sends the requests, and what he may do."""

    name: str
    kind: str = Field(description="`user`, `token`, or `local`: any program on this machine, before there are users.")
    role: UserRole
    cameras: list[str] | None = Field(description="The only cameras that he sees; null: all.")


class SessionView(BaseModel):
    """A login in a browser."""

    id: str
    user: str
    created: Time
    last_used: Time
    expires: Time
    address: str
    agent: str = Field(description="What the browser calls itself.")
    current: bool = Field(description="Whether it is the login that this request came with.")

    @classmethod
    def from_record(cls, session: LoginSession, used_at_ms: int, expires_at_ms: int, *, current: bool) -> Self:
        return cls(
            id=session.id, user=session.user, created=session.created_at_ms, last_used=used_at_ms,
            expires=expires_at_ms, address=session.address, agent=session.agent, current=current,
        )  # fmt: skip


class SessionList(BaseModel):
    """Logins."""

    sessions: list[SessionView]
