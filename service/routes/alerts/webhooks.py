"""Webhooks: where alerts are sent, how deliveries go, and what could not be delivered."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import SecretStr, ValidationError

from patchwatch.contract.errors import ConflictError
from patchwatch.messages.alerts.webhook import Webhook, new_secret, shown_url
from service.context import Context, ContextDep
from service.middleware.proxy import LinkPrefix
from service.presentation.webhook_status import webhook_views
from service.problems.errors import InvalidFieldsError
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.rules.camera_filter import unknown_camera_error, unknown_cameras
from service.rules.webhook_address import check_destination
from service.schemas.alerts.webhook import (
    DeadLetterList,
    DeadLetterView,
    NewWebhook,
    NewWebhookView,
    RetryAnswer,
    RetryOrder,
    TrialAnswer,
    WebhookChange,
    WebhookList,
    WebhookSecret,
    WebhookView,
    how_to_enable,
)
from service.schemas.request import ENTRY_ID

router = api_router("/webhooks", tag="webhooks")
_TEST_MARGIN_S = 5.0  # the time until the delivery worker notices the order


@router.post("", status_code=201, summary="Add a webhook", responses=documented(409, 422))
async def create(body: NewWebhook, response: Response, context: ContextDep, prefix: LinkPrefix) -> NewWebhookView:
    """The webhook is sent every change of an alert from now on, at least once and in order, signed as Standard Webhooks
    specifies."""
    fields: dict[str, Any] = {"secret": new_secret(), **body.fields()}
    webhook = _validated(fields)
    await _check_cameras(context, webhook.cameras)
    await check_destination(webhook.url, context.settings, context.resolver)
    await context.store.webhooks.create(webhook)
    response.headers["Location"] = f"{prefix}/api/v1/webhooks/{webhook.id}"
    (view,) = await webhook_views(context, [webhook])
    return NewWebhookView(**view.model_dump(), secret=webhook.secret.get_secret_value())


@router.get("", summary="List webhooks")
async def index(context: ContextDep) -> WebhookList:
    return WebhookList(webhooks=await webhook_views(context, await context.store.webhooks.all()))


@router.get("/{webhook_id}", summary="Get a webhook", responses=documented(404))
async def get(webhook_id: str, context: ContextDep) -> WebhookView:
    (view,) = await webhook_views(context, [await context.store.webhooks.get(webhook_id)])
    return view


@router.patch("/{webhook_id}", summary="Change a webhook", responses=documented(404, 422))
async def change(webhook_id: str, body: WebhookChange, context: ContextDep) -> WebhookView:
    """Only the given fields change."""
    before = await context.store.webhooks.get(webhook_id)
    changes = body.fields()
    if changes.get("url") == shown_url(before.url):
        del changes["url"]
    changed = _validated({**before.model_dump(), **changes})
    await _check_cameras(context, [camera_id for camera_id in changed.cameras if camera_id not in before.cameras])
    if "url" in changes:
        await check_destination(changed.url, context.settings, context.resolver)
    (view,) = await webhook_views(context, [await context.store.webhooks.change(webhook_id, changes)])
    return view


@router.delete("/{webhook_id}", status_code=204, summary="Remove a webhook", responses=documented(404))
async def delete(webhook_id: str, context: ContextDep) -> None:
    """Its dead letters are deleted, too."""
    await context.store.webhooks.delete(webhook_id)


@router.post("/{webhook_id}/secret", summary="Give it a new secret", responses=documented(404))
async def rotate(webhook_id: str, context: ContextDep) -> WebhookSecret:
    """The delivery worker signs with the new secret within about a second."""
    secret = new_secret()
    await context.store.webhooks.change(webhook_id, {"secret": SecretStr(secret)})
    return WebhookSecret(secret=secret)


@router.post("/{webhook_id}/test", summary="Send a test", responses=documented(404, 409, 429, 503))
async def trial(webhook_id: str, context: ContextDep) -> TrialAnswer:
    """The delivery worker makes one attempt to send a message of type `test`. It changes no count, but a failure shows
    in the health of the webhook."""
    _check_enabled(await context.store.webhooks.get(webhook_id))
    timeout_s = context.settings.webhook_timeout_s + _TEST_MARGIN_S
    result = await context.store.webhooks.trial(webhook_id, timeout_s)
    return TrialAnswer(delivered=result.delivered, detail=result.detail)


@router.get("/{webhook_id}/dead", summary="List what could not be delivered", responses=documented(404, 422))
async def dead(
    webhook_id: str,
    context: ContextDep,
    prefix: LinkPrefix,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[str | None, Query(pattern=f"^{ENTRY_ID}$", description="Part of the address in `next`.")] = None,
) -> DeadLetterList:
    """Dead letters, the oldest first."""
    await context.store.webhooks.get(webhook_id)
    letters, last = await context.store.webhooks.dead_letters(webhook_id, after or "0-0", limit)
    views = [DeadLetterView.from_letter(webhook_id, letter_id, letter, prefix) for letter_id, letter in letters]
    next_page = f"{prefix}/api/v1/webhooks/{webhook_id}/dead?limit={limit}&after={last}" if last else None
    return DeadLetterList(dead_letters=views, next=next_page)


@router.post("/{webhook_id}/dead/retry", summary="Send dead letters again", responses=documented(404, 409, 422))
async def retry(webhook_id: str, context: ContextDep, body: RetryOrder | None = None) -> RetryAnswer:
    """Each is tried once, without delaying new alerts. One that fails is a dead letter again."""
    _check_enabled(await context.store.webhooks.get(webhook_id))
    return RetryAnswer(queued=await context.store.webhooks.retry(webhook_id, body.ids if body else None))


def _check_enabled(webhook: Webhook) -> None:
    if not webhook.enabled:
        raise ConflictError(f"webhook {webhook.id!r} is switched off: {how_to_enable(webhook.id)} first")


async def _check_cameras(context: Context, camera_ids: Collection[str]) -> None:
    """Raises `InvalidFieldsError` for a camera that does not exist: no alert of it would ever be sent."""
    if unknown := await unknown_cameras(context.store, camera_ids):
        raise unknown_camera_error("body.cameras", unknown)


def _validated(fields: dict[str, Any]) -> Webhook:
    try:
        return Webhook.model_validate(fields)
    except ValidationError as error:
        raise InvalidFieldsError.from_pydantic(error, "body") from None
