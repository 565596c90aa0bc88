"""Logins: begun, listed, ended."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from patchwatch.contract.errors import NotFoundError
from patchwatch.messages.access.user import UserRole
from service.access.audit_log import note
from service.access.caller import CallerKind
from service.access.cookie import delete_cookie
from service.context import Context, ContextDep
from service.middleware.proxy import client_address
from service.problems.errors import ForbiddenError
from service.problems.responses import documented
from service.routes.access.authentication import check_password_login, checked_user, me_of, start_session
from service.routes.api_router import api_router
from service.schemas.access.session import Me, NewSession, SessionList, SessionView
from service.store.access.sessions import KnownSession

router = api_router("/sessions", tag="access")
OfUser = Annotated[str | None, Query(max_length=63, description="Of another user; for admins.")]


@router.post("", status_code=201, summary="Log in", responses=documented(403, 422, 429))
async def create(body: NewSession, request: Request, response: Response, context: ContextDep) -> Me:
    """The answer sets a cookie, which scripts cannot read. Ten wrong passwords within five minutes from one address
    are answered; then one has to wait."""
    check_password_login(context.settings)
    user = await checked_user(context, request, body.name.strip().lower(), body.password.get_secret_value())
    caller = await start_session(context, request, response, user)
    await note(context.store.access.audit, context.now_ms, caller, client_address(request.scope), "login", status=201)
    return me_of(caller)


@router.get("", summary="List logins", responses=documented(403))
async def index(
    context: ContextDep,
    user: OfUser = None,
    everybody: Annotated[bool, Query(alias="all", description="Of all users; for admins.")] = False,
) -> SessionList:
    """One's own, the last used first."""
    known = await _sessions(context, user, everybody=everybody)
    return SessionList(sessions=[_view(one, context.caller.session) for one in known])


@router.delete("/current", status_code=204, summary="Log out")
async def delete_current(request: Request, response: Response, context: ContextDep) -> None:
    """Ends the login that this request came with; WebSockets of it close within seconds."""
    if context.caller.session:
        await context.store.access.sessions.end([context.caller.session])
    delete_cookie(response, request, context.settings)


@router.delete("/{session_id}", status_code=204, summary="End a login", responses=documented(403, 404))
async def delete(session_id: str, context: ContextDep) -> None:
    """One's own; an admin ends any."""
    known = await _sessions(context, None, everybody=context.caller.may(UserRole.ADMIN))
    chosen = [one.digest for one in known if one.session.id == session_id]
    if not chosen:
        raise NotFoundError(f"there is no login {session_id!r}: see GET /api/v1/sessions")
    await context.store.access.sessions.end(chosen)


@router.delete("", status_code=204, summary="Log out everywhere", responses=documented(403))
async def delete_all(context: ContextDep, user: OfUser = None) -> None:
    """Ends all of one's own logins, this one too."""
    known = await _sessions(context, user, everybody=False)
    await context.store.access.sessions.end([one.digest for one in known])


async def _sessions(context: Context, user: str | None, *, everybody: bool) -> list[KnownSession]:
    """Raises `ForbiddenError` where somebody asks for those of others."""
    own = context.caller.name if context.caller.kind is CallerKind.USER else None  # a token has a name, and no login
    name = user or own
    if (everybody or name != own) and not context.caller.may(UserRole.ADMIN):
        raise ForbiddenError("only admins see and end the logins of other users")
    if name is None and not everybody:
        return []
    known = await context.store.access.sessions.all(await context.now_ms())
    return [one for one in known if everybody or one.session.user == name]


def _view(known: KnownSession, current: str) -> SessionView:
    return SessionView.from_record(
        known.session, known.used_at_ms, known.expires_at_ms, current=known.digest == current
    )
