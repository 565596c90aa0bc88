"""Whether a caller may use a route: his role, and his cameras."""

from __future__ import annotations

from patchwatch.contract.errors import NotFoundError
from patchwatch.messages.access.user import UserRole
from service.access.caller import Caller, CallerKind
from service.access.rights import Match, Reach
from service.problems.errors import ForbiddenError
from service.store import Store
from service.store.cameras.cameras import unknown_camera


async def authorize(caller: Caller, found: Match | None, store: Store) -> None:
    """Raises `ForbiddenError`, or `NotFoundError` for what the caller does not see: as if it did not exist."""
    if found is None:
        if not caller.may(UserRole.ADMIN):
            raise NotFoundError("there is nothing at this address: see /docs")
        return
    if found.right.reach is Reach.OPEN:
        return
    if not caller.may(found.right.role):
        raise ForbiddenError(f"this takes the role {found.right.role}, and {_who(caller)} has {caller.role}")
    if caller.sees_all:
        return
    if found.right.reach is Reach.SITE:
        raise ForbiddenError(f"this is about all cameras, and {_who(caller)} sees some of them only")
    if found.right.reach is Reach.NAMED:
        await _check_named(caller, found.parameters, store)


async def _check_named(caller: Caller, parameters: dict[str, str], store: Store) -> None:
    """Of a path that names a camera and something of it, the camera decides: its route looks for the rest there."""
    if "camera_id" in parameters:
        if not caller.sees(parameters["camera_id"]):
            raise unknown_camera(parameters["camera_id"])
    elif "alert_id" in parameters:
        await store.alerts.limited(caller.cameras).get(parameters["alert_id"])
    elif "enrolment_id" in parameters:
        await store.enrolments.limited(caller.cameras).get(parameters["enrolment_id"])
    else:
        raise ForbiddenError("this route names no camera, so nobody with a list of cameras may use it")


def _who(caller: Caller) -> str:
    if caller.kind is CallerKind.USER:
        return f"user {caller.name}"
    return f"the token {caller.name!r}"
