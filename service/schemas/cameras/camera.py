"""Cameras as the API takes and shows them. Their rules live in `patchwatch.messages.cameras.camera`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from patchwatch.messages.anomaly_kind import AnomalyKind
from patchwatch.messages.cameras.camera import Pace, Transport
from patchwatch.messages.cameras.zones.zone import MAX_ZONES, Zone
from service.schemas.request import Address, NewId, RequestBody, ShortText, at_most


class CameraChange(RequestBody):
    """Fields to change; the others keep their values. A secret sent back masked (``***``) stays as it is."""

    name: ShortText | None = Field(None, examples=["Back gate"])
    source: Address | None = Field(
        None,
        description="`rtsp://USER:PASSWORD@HOST/PATH`, `rtsps://...`, `file:/PATH` (not percent-encoded) inside the "
        "media folders, or `push:` (the camera publishes to the RTSP endpoint of Patchwatch). Credentials are stored "
        "and never shown again.",
        examples=["rtsp://camera.example/stream1"],
    )
    profile: ShortText | None = Field(
        None,
        description="Name of a profile; of a new camera, by default PATCHWATCH_DEFAULT_PROFILE. The camera's "
        "status says so if no such profile exists.",
        examples=["scene"],
    )
    enabled: bool | None = None
    analysis_fps: float | None = Field(
        None, description="Frames analysed per second; null: the setting PATCHWATCH_ANALYSIS_FPS."
    )
    pace: Pace | None = Field(
        None, description="How fast a file is read: at the speed of a camera, or as fast as it can be without loss."
    )
    loop: bool | None = Field(None, description="Whether a file starts again at its end.")
    transport: Transport | None = None
    false_alarms_per_day: float | None = Field(
        None,
        description="The alarm budget: how many false alarms a day are acceptable. It sets the alert threshold at "
        "once; null: the setting PATCHWATCH_FALSE_ALARMS_PER_DAY.",
        examples=[4.0],
    )
    muted: list[AnomalyKind] | None = Field(
        None,
        max_length=len(AnomalyKind),
        description="Kinds of anomaly that count for nothing here: they raise neither the score nor an alert. With a "
        "profile that looks for nothing else, the score stays neutral.",
        examples=[["place"]],
    )
    zones: Annotated[list[Zone], at_most(MAX_ZONES)] | None = Field(
        None,
        description="All zones of the camera, in the place of those before. A change takes effect at once; one of a "
        "`privacy` zone restarts the capture.",
        examples=[[{"name": "road", "kind": "ignore", "points": [[0, 0], [0.3, 0], [0.3, 1], [0, 1]]}]],
    )
    self_arm: bool | None = Field(
        None,
        description="Whether the camera learns by itself what is normal there; null: the setting PATCHWATCH_SELF_ARM.",
        examples=[None],
    )
    absence_chance: float | None = Field(
        None,
        description="Watch for absence: alert when nothing has moved for so long that the weeks before give that a "
        "smaller chance. Learns for three weeks; null: off.",
        examples=[None],
    )
    tls_verify: bool | None = Field(
        None,
        description="Whether the certificate of an `rtsps://` source is verified. With false, whoever answers at its "
        "address gets the password.",
    )
    tls_fingerprint: ShortText | None = Field(
        None,
        description="SHA-256 of the certificate that an `rtsps://` camera must present, in place of a trusted one.",
    )
    publish_username: ShortText | None = Field(
        None, description="The user name that a publisher must give to publish as this camera."
    )
    publish_password: Annotated[SecretStr, Field(max_length=200)] | None = None

    def fields(self) -> dict[str, Any]:
        """The fields that the request sets."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class NewCamera(CameraChange):
    """A camera to add. Only the id is required."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": "gate", "name": "Back gate", "source": "rtsp://camera.example/stream1"}]
        },
    )

    id: NewId = Field(examples=["gate"])


class CameraView(BaseModel):
    """A camera without its secrets."""

    id: str = Field(examples=["gate"])
    name: str = Field(examples=["Back gate"])
    source: str = Field(examples=["rtsp://***@camera.example/stream1"])
    profile: str = Field(examples=["motion"])
    enabled: bool
    analysis_fps: float | None
    pace: Pace
    loop: bool
    transport: Transport
    false_alarms_per_day: float | None
    muted: tuple[AnomalyKind, ...]
    zones: tuple[Zone, ...]
    self_arm: bool | None
    absence_chance: float | None
    adopted: bool = Field(
        description="Whether the camera came by itself, by publishing, and nobody has looked at it yet: any change "
        "acknowledges it, an empty one too."
    )
    tls_verify: bool
    tls_fingerprint: str | None
    publish_username: str | None
    publish_password: Literal["***"] | None
    revision: int


class CameraList(BaseModel):
    """All cameras, without their secrets."""

    cameras: list[CameraView]
