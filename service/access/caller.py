"""Who sent a request, as far as we know."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from starlette.types import Scope

from patchwatch.messages.access.user import UserRole

_KEY = "patchwatch.caller"  # in a request's scope
_OPERATOR = "operator"  # who signs where nobody has a name


class CallerKind(StrEnum):
    """How somebody proved who he is."""

    USER = "user"  # by logging in
    TOKEN = "token"  # noqa: S105 - no secret
    LOCAL = "local"  # not at all: from this machine, before there are users
    NOBODY = "nobody"  # not at all: where no proof is needed


@dataclass(frozen=True)
class Caller:
    """``name``: of the user or token. ``cameras``: those that he sees; None: all. ``session``: the digest of his login.
    ``named``: whether the name is one that somebody chose for him."""

    kind: CallerKind
    name: str
    role: UserRole
    cameras: frozenset[str] | None
    session: str = ""
    named: bool = True

    def may(self, role: UserRole) -> bool:
        return self.role.covers(role)

    def sees(self, camera_id: str) -> bool:
        return self.cameras is None or camera_id in self.cameras

    @property
    def sees_all(self) -> bool:
        return self.cameras is None

    @property
    def by(self) -> str:
        """The name under what he says of alerts and cameras."""
        if not self.named:
            return _OPERATOR
        return self.name if self.kind is CallerKind.USER else f"{self.kind.value} {self.name}"


NOBODY = Caller(CallerKind.NOBODY, "", UserRole.VIEWER, frozenset(), named=False)
LOCAL = Caller(CallerKind.LOCAL, "local", UserRole.ADMIN, None, named=False)
HOLDER = Caller(CallerKind.TOKEN, "PATCHWATCH_API_TOKEN", UserRole.ADMIN, None, named=False)


def caller_of(scope: Scope) -> Caller:
    """Whom `AuthMiddleware` let in; `NOBODY`, who sees no camera, where it asked for no proof."""
    caller = scope.get(_KEY, NOBODY)
    assert isinstance(caller, Caller)
    return caller


def set_caller(scope: Scope, caller: Caller) -> None:
    """Say who sends a request."""
    scope[_KEY] = caller
