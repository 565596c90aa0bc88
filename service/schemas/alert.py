"""Pages of alerts. One alert looks alike in REST answers, WebSockets and webhooks: `patchwatch.messages.alert`."""

from __future__ import annotations

from pydantic import BaseModel, Field

from patchwatch.messages.alert import AlertView


class AlertList(BaseModel):
    """Alerts, newest first."""

    alerts: list[AlertView]
    next: str | None = Field(description="Where to GET older alerts; null on the last page.")
