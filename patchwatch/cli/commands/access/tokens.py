"""``patchwatch tokens``: named tokens for programs. Works on this machine's Redis itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from patchwatch.cli.access_store import note, now_ms, with_access
from patchwatch.cli.command_group import command_group
from patchwatch.cli.options import AsJson
from patchwatch.cli.output import print_json, print_outcome
from patchwatch.contract.errors import RejectedError
from patchwatch.contract.timestamps import iso
from patchwatch.messages.access.api_token import ApiToken, Scope, new_token

if TYPE_CHECKING:
    from service.store.access import AccessStore

app = command_group("Make tokens for programs: works on this machine's Redis itself.")
_DAY_MS = 86_400_000


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for, such as 'Home Assistant'.")],
    scope: Annotated[Scope, typer.Option(help="read as a viewer, operate as an operator, or admin.")] = Scope.READ,
    camera: Annotated[list[str] | None, typer.Option("--camera", help="Only this camera; repeatable.")] = None,
    expires_days: Annotated[float | None, typer.Option(min=0.01, max=3650, help="Days until it ends.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token, and print it: it is not shown again."""
    text, token_id, digest = new_token()
    try:
        token = ApiToken(
            id=token_id, name=name, scope=scope, digest=digest, created_at_ms=now_ms(), created_by="command",
            cameras=None if camera is None else tuple(camera),
            expires_at_ms=None if expires_days is None else now_ms() + round(expires_days * _DAY_MS),
        )  # fmt: skip
    except ValidationError as error:
        raise RejectedError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None

    async def work(store: AccessStore) -> None:
        await store.tokens.create(token)
        await note(store, "tokens add", {"name": (None, name), "scope": (None, scope.value)})

    with_access(work, camera)
    if as_json:
        print_json({**_shown(token, 0), "token": text})
    else:
        typer.echo(text)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List all tokens, and when each was used last; what they consist of is not stored."""

    async def work(store: AccessStore) -> list[tuple[ApiToken, int]]:
        return await store.tokens.all()

    tokens = with_access(work)
    if as_json:
        print_json([_shown(token, used) for token, used in tokens])
        return
    if not tokens:
        typer.echo("there are no tokens: make one with `patchwatch tokens add NAME`", err=True)
    for token, used in tokens:
        seen = "all cameras" if token.cameras is None else ", ".join(token.cameras) or "no camera"
        ends = f", ends {iso(token.expires_at_ms)}" if token.expires_at_ms is not None else ""
        typer.echo(f"{token.id}  {token.name}  {token.scope}  {seen}, last used {iso(used) if used else 'never'}{ends}")


@app.command("remove")
def remove(
    token_id: Annotated[str, typer.Argument(metavar="TOKEN", help="Id of the token, as listed.")],
    as_json: AsJson = False,
) -> None:
    """Remove a token: it opens nothing from now on."""

    async def work(store: AccessStore) -> None:
        known = await store.tokens.find(token_id)
        await store.tokens.remove(token_id)
        await note(store, "tokens remove", {"id": (token_id, None), "name": (known.name if known else None, None)})

    with_access(work)
    print_outcome(f"removed token {token_id}", {"id": token_id}, as_json=as_json)


def _shown(token: ApiToken, used_at_ms: int) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scope": token.scope.value,
        "cameras": None if token.cameras is None else list(token.cameras),
        "expires": None if token.expires_at_ms is None else iso(token.expires_at_ms),
        "last_used": iso(used_at_ms) if used_at_ms else None,
    }
