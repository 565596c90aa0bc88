"""The settings of delivery: a part of `patchwatch.contract.settings.Settings`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from patchwatch.contract import bounds

WebhookReach = Literal["public", "private", "loopback"]


class DeliverySettings(BaseSettings):
    """How alerts are delivered to webhooks."""

    webhook_reach: WebhookReach = Field(
        "private", description="Which addresses webhooks may be sent to; each choice includes those before it."
    )
    webhook_timeout_s: float = Field(
        10.0, gt=0, le=bounds.LONGEST_DELIVERY_S, description="Limit of one delivery, from connecting to the answer."
    )
    webhook_retry_min_s: float = Field(1.0, gt=0, description="First wait before a delivery is tried again.")
    webhook_retry_max_s: float = Field(300.0, gt=0, description="Longest such wait; a receiver may ask for up to 1 h.")
    webhook_attempts: int = Field(
        8, ge=1, le=100, description="Attempts that a receiver may answer with an error before the alert is given up."
    )
    webhook_max_age_hours: float = Field(
        24.0, gt=0, description="Age at which an alert is given up when its receiver cannot be reached."
    )

    @field_validator("webhook_retry_max_s")
    @classmethod
    def _check_longest_retry_wait(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("webhook_retry_min_s", 0.0):
            raise ValueError("is less than PATCHWATCH_WEBHOOK_RETRY_MIN_S")
        return value
