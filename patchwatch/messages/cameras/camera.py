"""A camera: its identity, source and how it is analysed. Written by the API and the command line."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Self

from pydantic import Field, SecretStr, field_serializer, field_validator, model_validator

from patchwatch.contract.bounds import PROFILE_PATTERN, Count
from patchwatch.contract.errors import InvalidMessageError, RejectedError, SourceRejectedError
from patchwatch.messages.anomaly_kind import AnomalyKind
from patchwatch.messages.base import CameraId, Message, RedactedText
from patchwatch.messages.cameras.budget import Allotment
from patchwatch.messages.cameras.shadow import BankShadow
from patchwatch.messages.cameras.source import Source
from patchwatch.messages.cameras.zones.polygon import Polygon
from patchwatch.messages.cameras.zones.zone import MAX_ZONES, Zone, ZoneKind, check_together, polygons


class Pace(StrEnum):
    """How a file is read. Live sources ignore it."""

    REALTIME = "realtime"  # as a camera would deliver it: late frames are dropped, and counted
    FAST = "fast"  # as fast as it is scored: nothing is dropped


class Tls(StrEnum):
    """How the certificate of an ``rtsps://`` camera is checked."""

    VERIFIED = "verified"  # by certificate authorities
    PINNED = "pinned"  # it is the configured one
    UNVERIFIED = "unverified"  # not at all: anybody who answers receives the camera's password


class Transport(StrEnum):
    """RTSP media transport of a pulled camera."""

    TCP = "tcp"
    UDP = "udp"


FINGERPRINT = r"^[0-9a-fA-F]{2}(:?[0-9a-fA-F]{2}){31}$"
MAX_CAMERAS = 1000  # per installation: lists and metrics of all cameras must stay readable
# A change of these does not concern the capture.
_ANALYSIS_ONLY = (
    "false_alarms_per_day",
    "allotment",
    "muted",
    "zones",
    "self_arm",
    "adopted",
    "shadow",
    "absence_chance",
)


class Camera(Message):
    """Configuration of one camera. Stored with its secrets in Redis; show `public()` to users.

    ``zones_fault``: why the zones that are stored cannot be read. No frame of such a camera is taken, because a privacy
    zone may be among them.
    """

    # One with privacy zones is written as version 2: a worker that cannot black them out refuses it, and takes no
    # frame.
    version: int = 2

    id: CameraId
    name: str = Field("", max_length=120)
    source: str = Field("push:", max_length=2048, repr=False)
    profile: str = Field("motion", pattern=PROFILE_PATTERN)
    enabled: bool = True
    analysis_fps: float | None = Field(None, gt=0, le=120)
    pace: Pace = Pace.REALTIME
    loop: bool = False
    false_alarms_per_day: float | None = Field(None, ge=0.001, le=1000)  # None: the installation's
    allotment: Allotment | None = None  # of the site's budget, where there is one and the camera has none of its own
    muted: tuple[AnomalyKind, ...] = ()
    zones: tuple[Zone, ...] = Field((), max_length=MAX_ZONES)
    zones_fault: RedactedText | None = None
    self_arm: bool | None = None  # whether it learns what is normal by itself; None: the installation's
    adopted: bool = False  # it came by itself, by publishing, and no operator has looked at it yet
    shadow: BankShadow | None = None  # another bank, to be scored beside the active one for a time
    absence_chance: float | None = Field(None, gt=0, le=0.2)  # watch for absence: see `models.alarms.absence`
    transport: Transport = Transport.TCP
    publish_username: str | None = Field(None, max_length=128)
    publish_password: SecretStr | None = Field(None, max_length=128)
    tls_verify: bool = True  # for rtsps:// sources: only a trusted certificate is accepted
    tls_fingerprint: str | None = Field(
        None, max_length=95, pattern=FINGERPRINT
    )  # or the certificate with this SHA-256
    incarnation: str | None = Field(
        None, max_length=64
    )  # differs if the camera was removed and added again under its id
    revision: Count = 0  # rises with each change that concerns the capture; a file is then read again

    @field_validator("source")
    @classmethod
    def _known_source(cls, value: str) -> str:
        try:
            Source.parse(value)
        except SourceRejectedError as error:
            raise ValueError(str(error)) from None
        return value

    @field_validator("version")
    @classmethod
    def _as_known(cls, value: int) -> int:
        return max(value, 2)  # so that records of both versions are equal where their fields are

    @field_serializer("version", when_used="json")
    def _as_needed(self, value: int) -> int:
        return value if value > 2 or self.privacy or self.zones_fault else 1

    @field_validator("zones")
    @classmethod
    def _zones_together(cls, value: tuple[Zone, ...]) -> tuple[Zone, ...]:
        check_together(value)
        return value

    @model_validator(mode="after")
    def _check_publisher(self) -> Camera:
        # A password without a user name would never be asked for, and the endpoint would be open.
        if bool(self.publish_username) != bool(self.publish_password and self.publish_password.get_secret_value()):
            raise ValueError("publish_username and publish_password go together: give both or neither")
        return self

    @field_serializer("publish_password", when_used="json-unless-none")
    def _keep_secret_in_store(self, value: SecretStr) -> str:
        return value.get_secret_value()

    @classmethod
    def decode(cls, data: bytes | str) -> Self:
        """Raises `InvalidMessageError`, but not for unreadable zones: the camera has a ``zones_fault`` then."""
        try:
            return super().decode(data)
        except InvalidMessageError as error:
            rest = _without_zones(data)
            if rest is None:
                raise
            return super().decode(rest).model_copy(update={"zones_fault": _zones_fault(error)})

    @property
    def privacy(self) -> tuple[Polygon, ...]:
        """The polygons that the capture blacks out."""
        return polygons(self.zones, ZoneKind.PRIVACY)

    def captures_like(self, other: Camera | None) -> bool:
        """Whether a capture of the other camera can go on for this one."""
        if other is self:
            return True
        ours = {name: getattr(self, name) for name in _ANALYSIS_ONLY}
        return other is not None and self.privacy == other.privacy and self == other.model_copy(update=ours)

    def self_arms(self, by_default: bool) -> bool:
        """Whether it learns by itself. ``by_default``: what the installation says."""
        return self.enabled and (by_default if self.self_arm is None else self.self_arm)

    def budget_per_day(self, by_default: float) -> float:
        """False alarms a day that its level is set for: its own budget, else the site's, else ``by_default``."""
        if self.false_alarms_per_day is not None:
            return self.false_alarms_per_day
        return self.allotment.level_per_day if self.allotment else by_default

    @property
    def tls(self) -> Tls | None:
        """How its connection is protected; None where there is no TLS."""
        if not self.source.lower().startswith("rtsps:"):
            return None
        if self.tls_fingerprint is not None:
            return Tls.PINNED
        return Tls.VERIFIED if self.tls_verify else Tls.UNVERIFIED

    def public(self) -> dict[str, object]:
        """All fields, the source without credentials, the publish password as a mere ``***``."""
        shown = self.model_dump(
            mode="json", exclude={"version", "publish_password", "incarnation", "zones_fault", "allotment", "shadow"}
        )
        shown["source"] = str(Source.parse(self.source))
        shown["publish_password"] = "***" if self.publish_password else None
        return shown


def readable_zones(record: bytes | None) -> tuple[Zone, ...]:
    """The zones of a stored camera; none where there is no such camera.

    Raises `RejectedError` where they cannot be read: what they hide must not be read without them.
    """
    if record is None:
        return ()
    try:
        camera = Camera.decode(record)
    except InvalidMessageError as error:
        raise RejectedError(f"the camera's record cannot be read, and so not its privacy zones: {error}") from None
    if camera.zones_fault:
        raise RejectedError(camera.zones_fault)
    return camera.zones


def _without_zones(data: bytes | str) -> str | None:
    """The record without its zones; None where those are not what is wrong with it."""
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or "zones" not in fields:
        return None
    return json.dumps({name: value for name, value in fields.items() if name != "zones"})


def _zones_fault(error: InvalidMessageError) -> str:
    return f"what is stored of its zones cannot be read ({error}): set them again, or remove them with `zones: []`"


def is_over(record: bytes | None, incarnation: str | None) -> bool:
    """Whether a camera was removed, judged by its stored record: there is none, or one of another incarnation.

    A record that cannot be read does not count as removed.
    """
    if record is None:
        return True
    try:
        return Camera.decode(record).incarnation != incarnation
    except InvalidMessageError:
        return False
