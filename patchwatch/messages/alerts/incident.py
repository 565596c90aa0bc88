"""An incident: alerts that began within seconds of each other, on one camera or several, told of in one message."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from patchwatch.contract.bounds import Count, TimeMs
from patchwatch.messages.alerts.alert import Alert, AlertState

MAX_ALERTS_OF_INCIDENT = 20
MAX_OTHERS_OF_INCIDENT = 200


class IncidentAlert(BaseModel):
    """An alert as it last was. ``updates``: how often its peak rose since; ``reviewed``: an operator has judged it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    alert: Alert
    updates: Count = 0
    reviewed: bool = False

    @property
    def is_over(self) -> bool:
        return self.alert.state is AlertState.CLOSED


class Incident(BaseModel):
    """``id``: of the first alert's entry on the stream; ``begun_at_ms``: when that was written, by the clock of Redis.
    ``also``: ids of alerts beyond those that are listed. ``told``: its message is done with; ``silent``: it was not
    sent, so its end is not told of either."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(max_length=48)
    begun_at_ms: TimeMs
    alerts: tuple[IncidentAlert, ...] = Field(max_length=MAX_ALERTS_OF_INCIDENT)
    also: tuple[str, ...] = Field((), max_length=MAX_OTHERS_OF_INCIDENT)
    told: bool = False
    silent: bool = False

    @property
    def is_over(self) -> bool:
        return all(member.is_over for member in self.alerts)

    @property
    def is_reviewed(self) -> bool:
        return all(member.reviewed for member in self.alerts)
