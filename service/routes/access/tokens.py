"""API tokens: made, listed, removed by admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response
from pydantic import ValidationError

from patchwatch.contract.errors import NotFoundError
from patchwatch.messages.access.api_token import ApiToken, new_token
from service.context import Context, ContextDep
from service.middleware.proxy import LinkPrefix
from service.problems.errors import InvalidFieldsError
from service.problems.responses import documented
from service.routes.access.users import check_cameras
from service.routes.api_router import api_router
from service.schemas.access.token import NewToken, NewTokenView, TokenList, TokenView

router = api_router("/tokens", tag="access")
TokenId = Annotated[str, Path(max_length=63, examples=["0a1b2c3d4e5f"])]
_DAY_MS = 86_400_000


@router.post("", status_code=201, summary="Make a token", responses=documented(403, 409, 422))
async def create(body: NewToken, response: Response, context: ContextDep, prefix: LinkPrefix) -> NewTokenView:
    """For a program. Only this answer shows it: what is stored does not tell it."""
    await check_cameras(context, body.cameras)
    text, token_id, stored = new_token()
    now_ms = await context.now_ms()
    expires_at_ms = None if body.expires_days is None else now_ms + round(body.expires_days * _DAY_MS)
    try:
        token = ApiToken(
            id=token_id, name=body.name, scope=body.scope, digest=stored, created_at_ms=now_ms,
            cameras=None if body.cameras is None else tuple(body.cameras), created_by=context.caller.name,
            expires_at_ms=expires_at_ms,
        )  # fmt: skip
    except ValidationError as error:
        raise InvalidFieldsError.from_pydantic(error, "body") from None
    await context.store.access.tokens.create(token)
    response.headers["Location"] = f"{prefix}/api/v1/tokens/{token_id}"
    return NewTokenView(**TokenView.from_record(token, 0).__dict__, token=text)


@router.get("", summary="List tokens", responses=documented(403))
async def index(context: ContextDep) -> TokenList:
    return TokenList(tokens=await _views(context))


@router.get("/{token_id}", summary="Get a token", responses=documented(403, 404))
async def get(token_id: TokenId, context: ContextDep) -> TokenView:
    """Without what it consists of."""
    for view in await _views(context):
        if view.id == token_id:
            return view
    raise NotFoundError(f"there is no token {token_id!r}: see GET /api/v1/tokens")


@router.delete("/{token_id}", status_code=204, summary="Remove a token", responses=documented(403, 404))
async def delete(token_id: TokenId, context: ContextDep) -> None:
    """It opens nothing from now on; WebSockets that it opened close within seconds."""
    await context.store.access.tokens.remove(token_id)


async def _views(context: Context) -> list[TokenView]:
    return [TokenView.from_record(token, used) for token, used in await context.store.access.tokens.all()]
