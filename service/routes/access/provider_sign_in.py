"""What happens here once a provider leads a browser back: a user, a login and a word in the audit log, or a refusal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response

from patchwatch.contract.address_policy import network_of
from patchwatch.contract.errors import PatchwatchError, RejectedError
from patchwatch.messages.access.user import User
from service.access.audit_log import Changes, note
from service.access.caller import Caller, CallerKind
from service.context import Context
from service.middleware.proxy import client_address, local_path
from service.oidc.errors import LoginRefusedError
from service.oidc.provider_user import ProviderUser, identity_of, provider_user
from service.problems.errors import status_of
from service.routes.access.authentication import start_session

if TYPE_CHECKING:
    from service.oidc.login import Begun, Callback, ProviderLogin

_ACTION = "login at the provider"


async def sign_in(
    request: Request, response: Response, context: Context, login: ProviderLogin, sealed: str, callback: Callback
) -> None:
    """Log the browser in as whom the provider says. ``sealed``: what the browser kept since it began.

    Raises `LoginRefusedError` and what else keeps him out; whoever is refused by name loses his other logins, too.
    """
    access, now_ms = context.store.access, await context.now_ms()
    try:
        begun = await login.begun(sealed, callback, now_ms // 1000)
    except LoginRefusedError as error:
        await _note_refusal(request, context, error, "")
        raise
    attempt = await access.attempts.begin(network_of(client_address(request.scope)), None, now_ms)
    user, changes = await _admitted(request, context, login, begun, callback)
    await access.attempts.forget(attempt)
    hours = context.settings.oidc_session_hours
    caller = await start_session(context, request, response, user, secure=begun.secure, longest_hours=hours)
    await note(
        access.audit, context.now_ms, caller, client_address(request.scope), _ACTION, path=local_path(request.scope),
        status=303, changes=changes,
    )  # fmt: skip


async def _admitted(
    request: Request, context: Context, login: ProviderLogin, begun: Begun, callback: Callback
) -> tuple[User, Changes]:
    """The user as he is stored now, and what that changed."""
    claims: dict[str, Any] = {}
    try:
        claims = await login.claims(begun, callback, await context.now_ms() // 1000)
        return await _stored(context, provider_user(claims, context.settings))
    except PatchwatchError as error:
        known = await _logged_out(context, claims) if claims and isinstance(error, RejectedError) else None
        await _note_refusal(request, context, error, known.name if known is not None else "")
        raise


async def _stored(context: Context, found: ProviderUser) -> tuple[User, Changes]:
    user = User(
        name=found.name, role=found.role, cameras=found.cameras, identity=found.identity,
        created_at_ms=await context.now_ms(),
    )  # fmt: skip
    before, after = await context.store.access.users.sign_in(user, link=context.settings.oidc_link_users)
    if after.disabled:
        raise LoginRefusedError(f"user {after.name} is locked out here: have an admin allow him again")
    return after, _differences(before, after)


async def _logged_out(context: Context, claims: dict[str, Any]) -> User | None:
    """Whom the provider names, but nobody lets in (any more): his other logins end."""
    try:
        return await context.store.access.users.log_out(identity_of(claims))
    except LoginRefusedError:
        return None


def _differences(before: User | None, after: User) -> Changes:
    old, new = (_shown(user) if user is not None else {} for user in (before, after))
    return {field: (old.get(field), new[field]) for field in new if old.get(field) != new[field]}


def _shown(user: User) -> dict[str, str]:
    issuer = user.identity.issuer if user.identity is not None else ""
    return {"role": user.role.value, "cameras": json.dumps(user.cameras), "provider": issuer}


async def _note_refusal(request: Request, context: Context, error: PatchwatchError, name: str) -> None:
    stranger = Caller(CallerKind.NOBODY, name, context.caller.role, frozenset())
    await note(
        context.store.access.audit, context.now_ms, stranger, client_address(request.scope), f"{_ACTION} refused",
        path=local_path(request.scope), status=status_of(error), changes={"reason": (None, str(error))},
    )  # fmt: skip
