"""A change of the scene that stays, from when it is suspected until it is learnt or over."""

from __future__ import annotations

from patchwatch.contract.bounds import TimeMs
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.base import CameraId, Message


class PendingChange(Message):
    """Written by an enrolment worker. ``since_ms``: when it was first seen. ``alert``: the open one, if there is one.
    ``refused``: an operator said that it is no part of normal, so it will not be learnt by itself."""

    camera_id: CameraId
    since_ms: TimeMs
    alert: Alert | None = None
    refused: bool = False

    @property
    def id(self) -> str:
        return self.camera_id
