"""How far what is said over MQTT is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from patchwatch.messages.alerts.alert import AlertKind
from patchwatch.messages.alerts.webhook import Progress
from patchwatch.messages.base import CameraId

MAX_OPEN_ALERTS = 5000


class OpenAlert(BaseModel):
    """Of a camera's state: that such an alert is open."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(max_length=200)
    camera_id: CameraId
    kind: AlertKind


class MqttProgress(Progress):
    """``position``: of the last entry of the stream of alerts that the broker has taken. ``quiet_until``: entries up to
    there were written before anybody listened, and count for states alone. ``announced``: cameras whose devices the
    broker keeps."""

    quiet_until: str = "0-0"
    open: tuple[OpenAlert, ...] = Field((), max_length=MAX_OPEN_ALERTS)
    announced: tuple[CameraId, ...] = Field((), max_length=10_000)
