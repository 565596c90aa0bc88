"""Webhooks: where alerts are sent to, how that goes, and what could not be delivered."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import SecretStr, ValidationError

from patchwatch.contract.errors import ConflictError
from patchwatch.messages.webhook import Webhook, new_secret, shown_url
from service.context import Context, In
from service.http.proxy import Prefix
from service.problem import InvalidFieldsError, documented
from service.rules.camera_filter import unknown_camera_error, unknown_cameras
from service.rules.webhook_address import check_destination
from service.schemas.stream_id import ENTRY_ID
from service.schemas.webhook import (
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
    switch_on,
)

router = APIRouter(prefix="/webhooks", tags=["webhooks"])
_TEST_MARGIN_S = 5.0  # until the worker sees it


@router.post("", status_code=201, summary="Add a webhook", responses=documented(409, 422))
async def create(body: NewWebhook, response: Response, context: In, prefix: Prefix) -> NewWebhookView:
    """It gets every change of an alert from now on, signed after Standard Webhooks, at least once and in order."""
    fields: dict[str, Any] = {"secret": new_secret(), **body.fields()}
    webhook = _validated(fields)
    await _check_cameras(context, webhook.cameras)
    await check_destination(webhook.url, context.settings, context.resolver)
    await context.store.webhooks.create(webhook)
    response.headers["Location"] = f"{prefix}/api/v1/webhooks/{webhook.id}"
    (view,) = await webhook_views(context, [webhook])
    return NewWebhookView(**view.model_dump(), secret=webhook.secret.get_secret_value())


@router.get("", summary="List webhooks")
async def index(context: In) -> WebhookList:
    return WebhookList(webhooks=await webhook_views(context, await context.store.webhooks.all()))


@router.get("/{webhook_id}", summary="Get a webhook", responses=documented(404))
async def get(webhook_id: str, context: In) -> WebhookView:
    (view,) = await webhook_views(context, [await context.store.webhooks.get(webhook_id)])
    return view


@router.patch("/{webhook_id}", summary="Change a webhook", responses=documented(404, 422))
async def change(webhook_id: str, body: WebhookChange, context: In) -> WebhookView:
    before = await context.store.webhooks.get(webhook_id)
    changes = body.fields()
    if changes.get("url") == shown_url(before.url):
        del changes["url"]
    changed = _validated({**before.model_dump(), **changes})
    await _check_cameras(context, [one for one in changed.cameras if one not in before.cameras])
    if "url" in changes:
        await check_destination(changed.url, context.settings, context.resolver)
    (view,) = await webhook_views(context, [await context.store.webhooks.change(webhook_id, changes)])
    return view


@router.delete("/{webhook_id}", status_code=204, summary="Remove a webhook", responses=documented(404))
async def delete(webhook_id: str, context: In) -> None:
    """Its dead letters go with it."""
    await context.store.webhooks.delete(webhook_id)


@router.post("/{webhook_id}/secret", summary="Give it a new secret", responses=documented(404))
async def rotate(webhook_id: str, context: In) -> WebhookSecret:
    """The old one signs nothing more once the delivery worker has noticed, within about a second."""
    secret = new_secret()
    await context.store.webhooks.change(webhook_id, {"secret": SecretStr(secret)})
    return WebhookSecret(secret=secret)


@router.post("/{webhook_id}/test", summary="Send a test", responses=documented(404, 409, 429, 503))
async def trial(webhook_id: str, context: In) -> TrialAnswer:
    """One attempt by the delivery worker, of type `test`; it changes no count, but shows in the webhook's health."""
    webhook = await context.store.webhooks.get(webhook_id)
    if not webhook.enabled:
        raise ConflictError(f"webhook {webhook_id!r} is switched off: {switch_on(webhook_id)} first")
    within_s = context.settings.webhook_timeout_s + _TEST_MARGIN_S
    result = await context.store.webhooks.trial(webhook_id, within_s)
    return TrialAnswer(delivered=result.delivered, detail=result.detail)


@router.get("/{webhook_id}/dead", summary="List what could not be delivered", responses=documented(404, 422))
async def dead(
    webhook_id: str,
    context: In,
    prefix: Prefix,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[str | None, Query(pattern=f"^{ENTRY_ID}$", description="Comes with `next`.")] = None,
) -> DeadLetterList:
    await context.store.webhooks.get(webhook_id)
    letters, last = await context.store.webhooks.dead_letters(webhook_id, after or "0-0", limit)
    views = [DeadLetterView.of(webhook_id, letter_id, letter, prefix) for letter_id, letter in letters]
    more = f"{prefix}/api/v1/webhooks/{webhook_id}/dead?limit={limit}&after={last}" if last else None
    return DeadLetterList(dead_letters=views, next=more)


@router.post("/{webhook_id}/dead/retry", summary="Send dead letters again", responses=documented(404, 409, 422))
async def retry(webhook_id: str, context: In, body: RetryOrder | None = None) -> RetryAnswer:
    """One attempt each, beside new alerts; what fails again is a dead letter again."""
    webhook = await context.store.webhooks.get(webhook_id)
    if not webhook.enabled:
        raise ConflictError(f"webhook {webhook_id!r} is switched off: {switch_on(webhook_id)} first")
    return RetryAnswer(queued=await context.store.webhooks.retry(webhook_id, body.ids if body else None))


async def webhook_views(context: Context, webhooks: list[Webhook]) -> list[WebhookView]:
    """In the order given."""
    if not webhooks:
        return []
    attended = any(beat.role == "delivery" for beat in await context.store.statuses.beats())
    records = await context.store.webhooks.records([webhook.id for webhook in webhooks])
    return [
        WebhookView.of(
            webhook, record.progress, pending=record.pending, dead_letters=record.dead_letters, attended=attended
        )
        for webhook, record in zip(webhooks, records, strict=True)
    ]


async def _check_cameras(context: Context, camera_ids: Collection[str]) -> None:
    """Raises `InvalidFieldsError` for one that does not exist: nothing would ever be sent of it."""
    if unknown := await unknown_cameras(context.store, camera_ids):
        raise unknown_camera_error("body.cameras", unknown)


def _validated(fields: dict[str, Any]) -> Webhook:
    try:
        return Webhook.model_validate(fields)
    except ValidationError as error:
        raise InvalidFieldsError.from_pydantic(error, "body") from None
