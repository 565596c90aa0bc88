"""Pages of alerts. An event looks alike in REST, WebSockets and webhooks: `patchwatch.messages.alerts.alert`."""

from __future__ import annotations

from pydantic import BaseModel, Field

from service.schemas.alerts.verdict import ReviewedAlertView


class AlertList(BaseModel):
    """Alerts, newest first."""

    alerts: list[ReviewedAlertView]
    next: str | None = Field(description="Where to GET older alerts; null on the last page.")
