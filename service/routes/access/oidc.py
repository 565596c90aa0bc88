"""Logging in at a provider of OpenID Connect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse

from patchwatch.contract.errors import BusUnavailableError, NotFoundError, PatchwatchError
from service.access.cookie import delete_sealed_cookie, is_secure, sealed_value, set_sealed_cookie
from service.context import Context, ContextDep
from service.middleware.proxy import LinkPrefix
from service.problems.errors import ForbiddenError
from service.problems.responses import documented
from service.routes.access.provider_sign_in import sign_in
from service.routes.api_router import api_router
from service.schemas.access.session import ProviderStart

if TYPE_CHECKING:
    from service.oidc.login import ProviderLogin

router = api_router("/oidc", tag="access")
_LOGIN, _FAULT = "oidc", "oidc-fault"  # cookies
_LOGIN_LASTS_S, _FAULT_LASTS_S = 600, 120
_Text = Annotated[str, Query(max_length=8000, description="From the provider.")]


@router.post("/logins", summary="Begin to log in at the provider", responses=documented(403, 404, 429))
async def begin(request: Request, response: Response, context: ContextDep, prefix: LinkPrefix) -> ProviderStart:
    """For our page: a request names the origin that the provider leads the browser back to."""
    login, origin = _login(context), request.headers.get("origin", "")
    if not origin:
        raise ForbiddenError("a login at the provider begins at our own page: open it in a browser")
    url, kept = await login.begin(origin + prefix, await _now_s(context))
    set_sealed_cookie(
        response, request, context.settings, _LOGIN, kept, _LOGIN_LASTS_S, secure=is_secure(request)
    )  # fmt: skip
    return ProviderStart(url=url)


@router.get(
    "/callback", summary="Where the provider leads back to", status_code=303, response_class=RedirectResponse,
    responses=documented(404),
)  # fmt: skip
async def callback(
    request: Request, context: ContextDep, prefix: LinkPrefix, code: _Text = "", state: _Text = "", iss: _Text = "",
    error: _Text = "",
) -> Response:  # fmt: skip
    """Leads to our page, which tells why a login has failed."""
    from service.oidc.login import Callback

    login, settings = _login(context), context.settings
    response = RedirectResponse(f"{prefix}/", 303)
    sealed = sealed_value(request, settings, _LOGIN)
    delete_sealed_cookie(response, request, settings, _LOGIN)
    try:
        await sign_in(request, response, context, login, sealed, Callback(code, state, iss, error))
    except BusUnavailableError:
        raise
    except PatchwatchError as refusal:
        now_s = await _now_s(context)
        words = await login.sealed_fault(str(refusal), now_s)
        secure = request.url.scheme == "https" or (settings.public_url or "").startswith("https://")
        set_sealed_cookie(response, request, settings, _FAULT, words, _FAULT_LASTS_S, secure=secure)
    return response


async def told_fault(request: Request, response: Response, context: Context) -> str | None:
    """Why the last login of this browser has failed; told once."""
    sealed = sealed_value(request, context.settings, _FAULT)
    if context.provider_login is None or not sealed:
        return None
    delete_sealed_cookie(response, request, context.settings, _FAULT)
    return await context.provider_login.fault(sealed, await _now_s(context))


def _login(context: Context) -> ProviderLogin:
    if context.provider_login is None:
        raise NotFoundError("users log in with passwords here: PATCHWATCH_OIDC_ISSUER names no provider")
    return context.provider_login


async def _now_s(context: Context) -> int:
    return await context.now_ms() // 1000
