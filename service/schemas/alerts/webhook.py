"""Webhooks as the API takes and shows them. Their rules live in `patchwatch.messages.alerts.webhook`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from patchwatch.contract.timestamps import Time
from patchwatch.messages.alerts.alert import AlertChange, AlertKind, AlertView
from patchwatch.messages.alerts.webhook import DeadLetter, Progress, Webhook
from service.schemas.request import Address, EntryId, Id, NewId, RequestBody, at_most

_SECRET = "whsec_... (base64 of 24 to 64 bytes, as Standard Webhooks has it)"  # noqa: S105 - a description


class WebhookChange(RequestBody):
    """Fields to change; the others keep their values. An empty filter lets all alerts pass."""

    url: Address | None = Field(
        None,
        description="`http://` or `https://`; a user and password are sent as HTTP Basic authentication. They and the "
        "query are never shown again. An address that is sent back as it was shown stays as it is.",
        examples=["https://home.example/api/webhook/patchwatch"],
    )
    secret: Annotated[SecretStr, Field(max_length=200)] | None = Field(
        None, description=f"{_SECRET}. Never shown again."
    )
    cameras: Annotated[list[Id], at_most(1000)] | None = Field(
        None, description="Only alerts of these cameras, which must exist.", examples=[["gate"]]
    )
    kinds: Annotated[list[AlertKind], at_most(len(AlertKind))] | None = Field(
        None, description="Only alerts of these kinds.", examples=[["anomaly"]]
    )
    states: Annotated[list[AlertChange], at_most(len(AlertChange))] | None = Field(
        None,
        description="Only these changes: `open` and `closed` are sent once per alert, `update` whenever its peak "
        "rises. With `open` alone, each alert is one message.",
        examples=[["open"]],
    )
    enabled: bool | None = Field(
        None, description="A webhook that is switched on again gets the alerts from that moment on."
    )

    def fields(self) -> dict[str, Any]:
        """The fields that the request sets."""
        return {name: getattr(self, name) for name in self.model_fields_set if getattr(self, name) is not None}


class NewWebhook(WebhookChange):
    """An address to send alerts to from now on. Without a secret it gets a random one, which only this answer shows."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": "home", "url": "http://homeassistant.example:8123/api/webhook/gate"}]}
    )

    id: NewId = Field(examples=["home"])
    url: Address = Field(examples=["https://home.example/api/webhook/patchwatch"])


class WebhookHealth(StrEnum):
    """Whether a webhook delivers, or why it does not."""

    OK = "ok"
    DISABLED = "disabled"
    GONE = "gone"  # the receiver answered 410
    UNATTENDED = "unattended"  # no delivery worker is alive
    FAILING = "failing"


class WebhookView(BaseModel):
    """A webhook without its secret, and how its deliveries go."""

    id: str = Field(examples=["home"])
    url: str = Field(examples=["https://***@home.example/api/webhook/patchwatch"])
    cameras: list[str]
    kinds: list[AlertKind]
    states: list[AlertChange]
    enabled: bool
    health: WebhookHealth
    reason: str = Field(examples=[""])
    pending: int = Field(description="Alert changes that wait to be sent or filtered out.")
    delivered: int
    failed: int = Field(description="Failed attempts.")
    dead: int = Field(description="Alert changes given up so far.")
    dead_letters: int = Field(description="Alert changes given up that are kept: see `.../dead`.")
    forgotten: int = Field(description="Dead letters removed to make room for newer ones.")
    missed: int = Field(description="Alert changes that left the queue before they were sent.")
    unreadable: int = Field(description="Queue entries that could not be read as an alert.")
    last_success: Time | None
    last_error: str
    last_error_at: Time | None
    next_attempt: Time | None = Field(description="When sending is tried again, after a failed attempt.")

    @classmethod
    def from_progress(
        cls, webhook: Webhook, progress: Progress, *, pending: int, dead_letters: int, attended: bool
    ) -> Self:
        """``attended``: whether a delivery worker is alive."""
        health, reason = _health(webhook, progress, attended)
        counts = progress.model_dump(include={"delivered", "failed", "dead", "forgotten", "missed", "unreadable"})
        return cls.model_validate(
            {
                **webhook.public(), **counts, "health": health, "reason": reason, "dead_letters": dead_letters,
                "pending": pending if webhook.enabled else 0, "last_success": progress.last_success_at_ms,
                "last_error": progress.last_error, "last_error_at": progress.last_error_at_ms,
                "next_attempt": progress.retry_at_ms or None,
            }
        )  # fmt: skip


def how_to_enable(webhook_id: str) -> str:
    """The ways to switch a webhook on, as part of a sentence."""
    return f"`patchwatch webhooks update {webhook_id} --enable`, or PATCH it with enabled=true"


def _health(webhook: Webhook, progress: Progress, attended: bool) -> tuple[WebhookHealth, str]:
    if webhook.gone:
        return WebhookHealth.GONE, "the receiver answered 410: correct the address, then switch the webhook on again"
    if not webhook.enabled:
        return WebhookHealth.DISABLED, f"switched off: {how_to_enable(webhook.id)}"
    if not attended:
        return WebhookHealth.UNATTENDED, "no delivery worker is alive: start `patchwatch run delivery`"
    if progress.streak:
        return WebhookHealth.FAILING, f"{progress.last_error} ({progress.streak} failed attempts in a row)"
    if progress.failed_trial:
        return WebhookHealth.FAILING, f"the last test failed: {progress.failed_trial}"
    if not progress.last_success_at_ms:
        return WebhookHealth.OK, f"no alert has been sent yet: `patchwatch webhooks test {webhook.id}` sends a test"
    return WebhookHealth.OK, ""


class NewWebhookView(WebhookView):
    """A webhook that was just added, with its secret."""

    secret: str = Field(description="The secret to verify signatures with. It is not shown again.")


class WebhookList(BaseModel):
    """All webhooks, without their secrets."""

    webhooks: list[WebhookView]


class WebhookSecret(BaseModel):
    """A webhook's new secret."""

    secret: str = Field(description="The secret to verify signatures with from now on. It is not shown again.")


class DeadLetterView(BaseModel):
    """A change of an alert that could not be delivered."""

    id: str = Field(examples=["1795422605000-0"])
    message_id: str = Field(description="The `webhook-id` header it was sent with.", examples=["home_1795422600250-0"])
    reason: str = Field(examples=["HTTP 404"])
    attempts: int = Field(
        description="Attempts to send it; 0: it was already too old when the receiver was reachable again."
    )
    died: Time
    alert: AlertView

    @classmethod
    def from_letter(cls, webhook_id: str, letter_id: str, letter: DeadLetter, base: str) -> Self:
        """``base``: what links begin with."""
        return cls(
            id=letter_id,
            message_id=f"{webhook_id}_{letter.entry_id}",
            reason=letter.reason,
            attempts=letter.attempts,
            died=letter.died_at_ms,
            alert=AlertView.from_alert(letter.alert, base),
        )


class DeadLetterList(BaseModel):
    """Dead letters, oldest first."""

    dead_letters: list[DeadLetterView]
    next: str | None = Field(description="Where to GET the next page; null on the last one.")


class RetryOrder(RequestBody):
    """Which dead letters to send again; without ids, all of them."""

    ids: Annotated[list[EntryId], at_most(1000)] | None = Field(None, max_length=1000, examples=[["1795422605000-0"]])


class RetryAnswer(BaseModel):
    """How many undelivered changes are sent again."""

    queued: int


class TrialAnswer(BaseModel):
    """Whether the receiver took a test alert, else what it answered."""

    delivered: bool
    detail: str = Field(examples=["HTTP 404"])
