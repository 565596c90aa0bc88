"""Webhooks with the progress of their deliveries."""

from __future__ import annotations

from patchwatch.contract.roles import Role
from patchwatch.messages.alerts.webhook import Webhook
from service.context import Context
from service.schemas.alerts.webhook import WebhookHealth, WebhookView

# The health of a webhook that needs no attention.
_FINE = (WebhookHealth.OK, WebhookHealth.DISABLED)


async def webhook_views(context: Context, webhooks: list[Webhook]) -> list[WebhookView]:
    """One view per webhook, in the order given."""
    if not webhooks:
        return []
    attended = any(beat.role == Role.DELIVERY for beat in await context.store.statuses.heartbeats())
    records = await context.store.webhooks.records([webhook.id for webhook in webhooks])
    return [
        WebhookView.from_progress(
            webhook, record.progress, pending=record.pending, dead_letters=record.dead_letters, attended=attended
        )
        for webhook, record in zip(webhooks, records, strict=True)
    ]


def is_failing(view: WebhookView) -> bool:
    """Whether an enabled webhook does not deliver."""
    return view.health not in _FINE
