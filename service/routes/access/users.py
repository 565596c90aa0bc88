"""Users: added, changed and removed by admins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Path, Response
from pydantic import SecretStr, ValidationError

from patchwatch.contract.errors import ConflictError
from patchwatch.messages.access.user import User, UserRole
from service.context import Context, ContextDep
from service.middleware.proxy import LinkPrefix
from service.problems.errors import InvalidFieldsError
from service.problems.responses import documented
from service.routes.access.authentication import new_password
from service.routes.api_router import api_router
from service.rules.camera_filter import unknown_camera_error, unknown_cameras
from service.schemas.access.user import NewUser, UserChange, UserList, UserView

router = api_router("/users", tag="access")
Name = Annotated[str, Path(max_length=63, examples=["ada"])]


@router.post("", status_code=201, summary="Add a user", responses=documented(403, 409, 422))
async def create(body: NewUser, response: Response, context: ContextDep, prefix: LinkPrefix) -> UserView:
    """The first user is made on the machine itself: from then on everybody has to log in."""
    if not await context.store.access.users.exist():
        raise ConflictError(
            "make the first user with `patchwatch users add NAME --role admin`, or with the set-up link"
        )
    await check_cameras(context, body.cameras)
    fields = body.fields() | await _password(context, body.name, body.password)
    user = validated({"name": body.name, "role": body.role, "created_at_ms": await context.now_ms(), **fields})
    await context.store.access.users.create(user)
    response.headers["Location"] = f"{prefix}/api/v1/users/{user.name}"
    return UserView.from_record(user)


@router.get("", summary="List users", responses=documented(403))
async def index(context: ContextDep) -> UserList:
    return UserList(users=[UserView.from_record(user) for user in await context.store.access.users.all()])


@router.get("/{name}", summary="Get a user", responses=documented(403, 404))
async def get(name: Name, context: ContextDep) -> UserView:
    return UserView.from_record(await context.store.access.users.get(name))


@router.patch("/{name}", summary="Change a user", responses=documented(403, 404, 409, 422))
async def change(name: Name, body: UserChange, context: ContextDep) -> UserView:
    """Only the given fields change, and at once: open WebSockets follow within seconds. There is always an admin who
    can log in."""
    before = await context.store.access.users.get(name)
    await check_cameras(context, body.cameras)
    changes = body.fields()
    if changes.get("role") is UserRole.ADMIN and before.role is not UserRole.ADMIN:
        changes = {"cameras": None, **changes}
    changes |= await _password(context, name, changes.pop("password", None))
    try:
        return UserView.from_record(await context.store.access.users.change(name, changes))
    except ValidationError as error:
        raise InvalidFieldsError.from_pydantic(error, "body") from None


@router.delete("/{name}", status_code=204, summary="Remove a user", responses=documented(403, 404, 409))
async def delete(name: Name, context: ContextDep) -> None:
    """All his logins end, and his devices are told nothing more. There is always an admin who can log in."""
    await context.store.access.users.remove(name)
    await context.store.devices.delete_all_of(name)


async def check_cameras(context: Context, camera_ids: Sequence[str] | None) -> None:
    """Raises `InvalidFieldsError` for a camera that does not exist."""
    if unknown := await unknown_cameras(context.store, camera_ids or ()):
        raise unknown_camera_error("body.cameras", unknown)


def validated(fields: dict[str, object]) -> User:
    """Raises `InvalidFieldsError`."""
    try:
        return User.model_validate(fields)
    except ValidationError as error:
        raise InvalidFieldsError.from_pydantic(error, "body") from None


async def _password(context: Context, name: str, password: SecretStr | None) -> dict[str, object]:
    return {} if password is None else await new_password(context, name, password.get_secret_value())
