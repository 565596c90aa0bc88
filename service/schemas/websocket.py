"""The messages of the WebSockets, for whoever writes a client. `service/websockets/` sends them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from patchwatch.contract.timestamps import Time
from patchwatch.messages.alerts.alert import AlertChange, AlertView
from patchwatch.messages.base import CameraId
from service.schemas.alerts.verdict import ReviewedAlertView
from service.schemas.cameras.correction import CorrectionView
from service.schemas.cameras.score import ScorePoint

_ID = "Resume after it with `?after=`."


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class HelloMessage(_Message):
    """The first message, once."""

    type: Literal["hello"]
    topic: Literal["alerts", "scores"]
    heartbeat_s: float = Field(description="Most seconds without a message: when it is silent for longer, reconnect.")
    gaps: list[str] = Field(description="Ids after which messages may be missing: too old, or the queue was lost.")
    unknown_cameras: list[str] = Field(description="Requested cameras that do not exist (yet).")
    positions: list[str] = Field(description="Where this client stands: the ids to resume after, one per stream.")


class HeartbeatMessage(_Message):
    """Sent regularly, whatever else is sent."""

    type: Literal["heartbeat"]
    t: Time
    queue: Literal["ok", "unavailable"] = Field(description="Whether Redis answers.")
    positions: list[str] = Field(description="As in `hello`.")


class ThinnedMessage(_Message):
    """The client is too slow: so many scores were left out. Alerts never are."""

    type: Literal["thinned"]
    dropped: int


class ScoreMessage(ScorePoint):
    """A frame was scored."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["score"]
    id: str = Field(description=_ID, examples=["gate:1795422600250-0"])
    camera_id: CameraId


class AlertMessage(_Message):
    """An alert opened, its peak rose, or it closed."""

    type: Literal["alert"]
    id: str = Field(description=_ID, examples=["1795422600250-0"])
    change: AlertChange
    alert: AlertView


class VerdictMessage(_Message):
    """An operator gave, changed or took back a verdict on an alert."""

    type: Literal["verdict"]
    id: str = Field(description=_ID)
    alert: ReviewedAlertView


class CorrectionMessage(_Message):
    """What is normal before a camera was corrected, or a correction was taken back."""

    type: Literal["correction"]
    id: str = Field(description=_ID)
    camera_id: CameraId
    correction: CorrectionView


class PictureOrder(_Message):
    """What a client of the pictures says. Fields that it leaves out stay as they are."""

    cameras: list[CameraId] | None = Field(None, description="The cameras that it shows, at most 64.")
    received: int | None = Field(None, description="How many pictures it has received: few may be on their way.")


class PictureBox(_Message):
    """A detected object, in shares of the picture."""

    label: str
    x1: float
    y1: float
    x2: float
    y2: float


class PictureHeader(_Message):
    """What a picture is of. A binary message is the length of this header (4 bytes, big-endian), the header, a JPEG."""

    camera_id: CameraId
    seq: int
    t: Time
    analysed: bool = Field(description="Whether the frame has been scored.")
    boxes: list[PictureBox]


class NoPictureMessage(_Message):
    """The camera has no frame to show."""

    type: Literal["none"]
    camera_id: CameraId


class PictureHeartbeatMessage(_Message):
    """Sent regularly."""

    type: Literal["heartbeat"]


SENT = {
    "/api/v1/ws/scores": (HelloMessage, ScoreMessage, ThinnedMessage, HeartbeatMessage),
    "/api/v1/ws/alerts": (HelloMessage, AlertMessage, VerdictMessage, CorrectionMessage, HeartbeatMessage),
    "/api/v1/ws/pictures": (PictureHeader, NoPictureMessage, PictureHeartbeatMessage),
}
RECEIVED = {"/api/v1/ws/pictures": (PictureOrder,)}
