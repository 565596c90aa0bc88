"""The way in: what it takes, the first user, and who one is."""

from __future__ import annotations

from fastapi import Request, Response
from pydantic import ValidationError

from patchwatch.messages.access.user import User, UserRole
from service.access.audit_log import note
from service.access.caller import CallerKind
from service.context import ContextDep
from service.middleware.proxy import client_address
from service.problems.errors import ForbiddenError, InvalidFieldsError, UnauthorizedError
from service.problems.responses import documented
from service.routes.access.authentication import check_password_login, checked_user, me_of, new_password, start_session
from service.routes.access.oidc import told_fault
from service.routes.api_router import api_router
from service.schemas.access.session import FirstUser, LoginOffer, Me, PasswordChange

router = api_router(tag="access")


@router.get("/login", summary="Which ways in there are")
async def offer(request: Request, response: Response, context: ContextDep) -> LoginOffer:
    access, settings = context.store.access, context.settings
    exist = await access.users.exist()
    waiting = not exist and await access.setup_codes.waiting(await context.now_ms())
    provider = None if context.provider_login is None else settings.oidc_label
    fault = await told_fault(request, response, context)
    return LoginOffer(password=exist and settings.password_login, setup=waiting, provider=provider, fault=fault)


@router.post("/setup", status_code=201, summary="Make the first admin", responses=documented(403, 409, 422, 429))
async def set_up(body: FirstUser, request: Request, response: Response, context: ContextDep) -> Me:
    """With the code of the set-up link, once. The admin is logged in at once."""
    check_password_login(context.settings)
    access, now_ms = context.store.access, await context.now_ms()
    if not await access.setup_codes.valid(body.code, now_ms):
        raise UnauthorizedError(
            "the set-up link is wrong, used or over an hour old: start the service again for a new one"
        )
    fields = await new_password(context, body.name, body.password.get_secret_value())
    try:
        user = User.model_validate({"name": body.name, "role": UserRole.ADMIN, "created_at_ms": now_ms, **fields})
    except ValidationError as error:
        raise InvalidFieldsError.from_pydantic(error, "body") from None
    await access.users.create_first(user)
    await access.setup_codes.void()
    caller = await start_session(context, request, response, user)
    await note(access.audit, context.now_ms, caller, client_address(request.scope), "first user", status=201)
    return me_of(caller)


@router.get("/me", summary="Who am I?")
async def me(context: ContextDep) -> Me:
    """Who sends the request, and what he may do. Before there are users: `local`, an admin."""
    return me_of(context.caller)


@router.post("/me/password", summary="Change my password", responses=documented(403, 422, 429))
async def change_password(body: PasswordChange, request: Request, response: Response, context: ContextDep) -> Me:
    """All logins of the user end, and this browser is logged in anew."""
    if context.caller.kind is not CallerKind.USER:
        raise ForbiddenError("only a user who is logged in has a password: see `patchwatch users password NAME`")
    check_password_login(context.settings)
    if (await context.store.access.users.get(context.caller.name)).identity is not None:
        raise ForbiddenError(f"you have no password here: change the one of {context.settings.oidc_label}")
    try:
        user = await checked_user(context, request, context.caller.name, body.current.get_secret_value())
    except UnauthorizedError:  # he is who he is: nobody has to log in again
        raise InvalidFieldsError.from_field("body.current", "is not your present password") from None
    fields = await new_password(context, user.name, body.new.get_secret_value())
    changed = await context.store.access.users.change(user.name, fields)
    return me_of(await start_session(context, request, response, changed))
