"""``patchwatch users``: who may log in. Works on this machine's Redis itself, also where nobody can log in."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from patchwatch.cli.access_store import asked_password, note, now_ms, with_access
from patchwatch.cli.command_group import command_group
from patchwatch.cli.options import AsJson
from patchwatch.cli.output import print_json, print_outcome
from patchwatch.contract.errors import RejectedError
from patchwatch.messages.access.user import User, UserRole

if TYPE_CHECKING:
    from service.store.access import AccessStore

app = command_group("Say who may log in: works on this machine's Redis itself, also when you are locked out.")

_Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the user.")]
_NewName = Annotated[str, typer.Argument(metavar="NAME", help="Lower-case letters, digits, '.', '-' and '_'.")]
_Role = Annotated[UserRole, typer.Option("--role", help="What the user may do.")]
_Cameras = Annotated[list[str] | None, typer.Option("--camera", help="Only this camera; repeatable.")]
_MASKED = "***"


@app.command("add")
def add(name: _NewName, role: _Role = UserRole.VIEWER, camera: _Cameras = None, as_json: AsJson = False) -> None:
    """Add a user. The password is asked for, or read from standard input. From the first user on, who has to be an
    admin, everybody has to log in."""
    fields = {"name": name, "role": role, "cameras": camera, "created_at_ms": now_ms(), **_password(name)}
    user = _validated(fields)

    async def work(store: AccessStore) -> None:
        await store.users.create(user)
        await note(store, "users add", {"name": (None, name), "role": (None, role.value)})

    with_access(work, camera)
    print_outcome(f"added {role} {name}", _shown(user), as_json=as_json)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List all users with their roles and cameras."""

    async def work(store: AccessStore) -> list[User]:
        return await store.users.all()

    users = with_access(work)
    if as_json:
        print_json([_shown(user) for user in users])
        return
    if not users:
        typer.echo("there are no users: add one with `patchwatch users add NAME --role admin`", err=True)
    for user in users:
        seen = "all cameras" if user.cameras is None else ", ".join(user.cameras) or "no camera"
        way = "" if user.identity is None else "  (logs in at the provider)"
        typer.echo(f"{user.name}  {user.role}  {seen}{way}{'  (disabled)' if user.disabled else ''}")


@app.command("role")
def role(
    name: _Name, role: Annotated[UserRole, typer.Argument(help="What the user may do.")], as_json: AsJson = False
) -> None:
    """Give a user another role, at once. An admin sees all cameras."""
    changes: dict[str, Any] = {"role": role} | ({"cameras": None} if role is UserRole.ADMIN else {})
    user = _changed(name, "users role", changes)
    print_outcome(f"{name} is {role} now", _shown(user), as_json=as_json)


@app.command("cameras")
def cameras(
    name: _Name,
    camera: _Cameras = None,
    all_cameras: Annotated[bool, typer.Option("--all", help="All cameras.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say which cameras a user sees, in place of those before."""
    if all_cameras == bool(camera):
        raise RejectedError("give --camera, once for each, or --all")
    user = _changed(name, "users cameras", {"cameras": None if all_cameras else tuple(camera or ())}, camera)
    print_outcome(f"{name} sees {', '.join(user.cameras or ()) or 'all cameras'} now", _shown(user), as_json=as_json)


@app.command("password")
def password(name: _Name, as_json: AsJson = False) -> None:
    """Set a user's password, which is asked for or read from standard input. His logins end; one who logged in at a
    provider does so with the password from now on."""
    user = _changed(name, "users password", {**_password(name), "disabled": False})
    print_outcome(f"{name} has a new password, and has to log in again", _shown(user), as_json=as_json)


@app.command("remove")
def remove(name: _Name, as_json: AsJson = False) -> None:
    """Remove a user; his logins end. After the last one nobody has to log in, if only this machine can reach the
    service."""

    async def work(store: AccessStore) -> None:
        await store.users.remove(name, last_too=True)
        await note(store, "users remove", {"name": (name, None)})

    with_access(work)
    print_outcome(f"removed {name}", {"name": name}, as_json=as_json)


def _changed(name: str, action: str, changes: dict[str, Any], cameras: list[str] | None = None) -> User:
    async def work(store: AccessStore) -> User:
        before = await store.users.get(name)
        try:
            after = await store.users.change(name, changes)
        except ValidationError as error:
            raise RejectedError(_words(error)) from None
        await note(store, action, {"name": (name, name), **_differences(before, after)})
        return after

    return with_access(work, cameras)


def _differences(before: User, after: User) -> dict[str, tuple[str | None, str | None]]:
    old, new = _shown(before), _shown(after)
    changed = {field: (str(old[field]), str(new[field])) for field in new if old[field] != new[field]}
    if before.password_hash != after.password_hash:
        return {**changed, "password": (_MASKED, _MASKED)}
    return {**changed}


def _password(name: str) -> dict[str, Any]:
    from service.access.passwords import check_password, hash_password

    text = asked_password()
    check_password(text, name)
    return {"password_hash": hash_password(text), "identity": None, "incarnation": uuid.uuid4().hex}


def _validated(fields: dict[str, Any]) -> User:
    try:
        return User.model_validate(fields)
    except ValidationError as error:
        raise RejectedError(_words(error)) from None


def _words(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'user'}: {first['msg'].removeprefix('Value error, ')}"


def _shown(user: User) -> dict[str, Any]:
    cameras = None if user.cameras is None else list(user.cameras)
    return {"name": user.name, "role": user.role.value, "cameras": cameras, "disabled": user.disabled}
