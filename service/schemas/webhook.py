"""Webhooks as the API takes and shows them. Their rules live in `patchwatch.messages.webhook`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from patchwatch.contract.timestamps import Time
from patchwatch.messages.alert import AlertChange, AlertKind, AlertView
from patchwatch.messages.webhook import DeadLetter, Progress, Webhook
from service.schemas.request_body import Address, Id, NewId, RequestBody, at_most
from service.schemas.stream_id import ENTRY_ID

_LetterId = Annotated[str, Field(pattern=f"^{ENTRY_ID}$")]
_SECRET = "whsec_... (base64 of 24 to 64 bytes, as Standard Webhooks has it)"  # noqa: S105 - a description


class WebhookChange(RequestBody):
    """Fields to change; the others stay. An empty filter lets everything through."""

    url: Address | None = Field(
        None,
        description="`http://` or `https://`; user and password become HTTP Basic. Those and the query are not shown "
        "again; sent back as they are shown, they mean: keep the address.",
        examples=["https://home.example/api/webhook/patchwatch"],
    )
    secret: Annotated[SecretStr, Field(max_length=200)] | None = Field(
        None, description=f"{_SECRET}. Never shown again."
    )
    cameras: Annotated[list[Id], at_most(1000)] | None = Field(
        None, description="Only of these cameras, which must exist.", examples=[["gate"]]
    )
    kinds: Annotated[list[AlertKind], at_most(len(AlertKind))] | None = Field(
        None, description="Only of these kinds.", examples=[["anomaly"]]
    )
    states: Annotated[list[AlertChange], at_most(len(AlertChange))] | None = Field(
        None,
        description="Only these changes: `open` and `closed` come once an alert, `update` whenever its peak rises. "
        "With `open` alone, one alert is one message.",
        examples=[["open"]],
    )
    enabled: bool | None = Field(None, description="Once switched on again, a webhook gets what comes from then on.")

    def fields(self) -> dict[str, Any]:
        """What was given."""
        return {name: getattr(self, name) for name in self.model_fields_set if getattr(self, name) is not None}


class NewWebhook(WebhookChange):
    """Where to send alerts from now on. Without a secret it gets a random one, which the answer shows this once."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": "home", "url": "http://homeassistant.example:8123/api/webhook/gate"}]}
    )

    id: NewId = Field(examples=["home"])
    url: Address = Field(examples=["https://home.example/api/webhook/patchwatch"])


class WebhookHealth(StrEnum):
    OK = "ok"
    DISABLED = "disabled"
    GONE = "gone"  # its receiver answered 410
    UNATTENDED = "unattended"  # no delivery worker is alive
    FAILING = "failing"


class WebhookView(BaseModel):
    """A webhook without its secret, and how its deliveries are."""

    id: str = Field(examples=["home"])
    url: str = Field(examples=["https://***@home.example/api/webhook/patchwatch"])
    cameras: list[str]
    kinds: list[AlertKind]
    states: list[AlertChange]
    enabled: bool
    health: WebhookHealth
    reason: str = Field(examples=[""])
    pending: int = Field(description="Alert changes not sent or passed over yet, before the filters.")
    delivered: int
    failed: int = Field(description="Attempts.")
    dead: int = Field(description="Alert changes given up, ever.")
    dead_letters: int = Field(description="Of these, kept: see `.../dead`.")
    forgotten: int = Field(description="Dead letters that newer ones pushed out.")
    missed: int = Field(description="Alert changes that left the queue before they were sent.")
    unreadable: int = Field(description="Entries that were no alert.")
    last_success: Time | None
    last_error: str
    last_error_at: Time | None
    next_attempt: Time | None = Field(description="Of an alert that could not be sent.")

    @classmethod
    def of(cls, webhook: Webhook, progress: Progress, *, pending: int, dead_letters: int, attended: bool) -> Self:
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


def switch_on(webhook_id: str) -> str:
    return f"`patchwatch webhooks update {webhook_id} --enable`, or PATCH it with enabled=true"


def _health(webhook: Webhook, progress: Progress, attended: bool) -> tuple[WebhookHealth, str]:
    if webhook.gone:
        return WebhookHealth.GONE, "its receiver answered 410: correct the address, then switch it on again"
    if not webhook.enabled:
        return WebhookHealth.DISABLED, f"switched off: {switch_on(webhook.id)}"
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
    secret: str = Field(description="To verify signatures with. Shown this once.")


class WebhookList(BaseModel):
    webhooks: list[WebhookView]


class WebhookSecret(BaseModel):
    secret: str = Field(description="To verify signatures with, from now on. Shown this once.")


class DeadLetterView(BaseModel):
    """A change of an alert that was given up."""

    id: str = Field(examples=["1795422605000-0"])
    message_id: str = Field(description="The `webhook-id` it was sent with.", examples=["home_1795422600250-0"])
    reason: str = Field(examples=["HTTP 404"])
    attempts: int = Field(description="0: it was too old when its turn came, and the receiver away.")
    died: Time
    alert: AlertView

    @classmethod
    def of(cls, webhook_id: str, letter_id: str, letter: DeadLetter, base: str) -> Self:
        return cls(
            id=letter_id,
            message_id=f"{webhook_id}_{letter.entry_id}",
            reason=letter.reason,
            attempts=letter.attempts,
            died=letter.died_at_ms,
            alert=AlertView.from_alert(letter.alert, base),
        )


class DeadLetterList(BaseModel):
    """Oldest first."""

    dead_letters: list[DeadLetterView]
    next: str | None = Field(description="Where to GET what follows; null at the end.")


class RetryOrder(RequestBody):
    """Which dead letters to try again; without ids, all."""

    ids: Annotated[list[_LetterId], at_most(1000)] | None = Field(None, max_length=1000, examples=[["1795422605000-0"]])


class RetryAnswer(BaseModel):
    queued: int


class TrialAnswer(BaseModel):
    delivered: bool
    detail: str = Field(examples=["HTTP 404"])
