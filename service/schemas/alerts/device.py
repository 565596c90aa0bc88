"""Devices as the API takes and shows them. Their rules live in `patchwatch.messages.alerts.device`."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from patchwatch.contract.timestamps import Time
from patchwatch.messages.alerts.alert import AlertKind
from patchwatch.messages.alerts.severity import Severity
from service.schemas.alerts.channel import ChannelHealth, ChannelView
from service.schemas.request import Id, RequestBody, at_most

_Key = Annotated[str, Field(max_length=100)]


class SubscriptionKeys(RequestBody):
    """What messages to a browser are encrypted with, in URL-safe base64."""

    p256dh: _Key = Field(
        examples=["BNNL5ZaTfK81qhXOx23-wewhigUeFb632jN6LvRWCFH1ubQr77FE_9qV1FuojuRmHP42zmf34rXgW80OvUVDgTk"]
    )
    auth: SecretStr = Field(max_length=100, examples=["zqbxT6JKstKSY9JKibZLSQ"])


class NewDevice(RequestBody):
    """This browser, as its `PushSubscription` describes it. One that is there already is replaced."""

    model_config = ConfigDict(json_schema_extra={"examples": []})

    name: Annotated[str, Field(min_length=1, max_length=60)] = Field(examples=["Firefox on my phone"])
    endpoint: SecretStr = Field(max_length=2000, examples=["https://push.example/send/0a1b2c"])
    keys: SubscriptionKeys
    cameras: Annotated[list[Id], at_most(1000)] = Field(
        [], description="Only alerts of these; empty: all that you see."
    )
    kinds: Annotated[list[AlertKind], at_most(len(AlertKind))] = Field([], description="Only alerts of these kinds.")
    least_severity: Severity = Severity.LOW
    over: bool = Field(False, description="Whether a second message says that it has ended.")

    def fields(self) -> dict[str, Any]:
        """Those of its channel."""
        filters = self.model_dump(include={"cameras", "kinds", "least_severity", "over"})
        return filters | {"url": self.endpoint}


class DeviceView(BaseModel):
    """A browser that is told of alerts, and how that goes."""

    id: str = Field(examples=["device-5f0c9a1e7b2d4c36"])
    name: str = Field(examples=["Firefox on my phone"])
    cameras: list[str]
    kinds: list[AlertKind]
    least_severity: Severity
    over: bool
    health: ChannelHealth
    reason: str
    delivered: int = Field(description="Messages that its push service took.")
    failed: int = Field(description="Failed attempts.")
    last_success: Time | None

    @classmethod
    def from_channel(cls, view: ChannelView) -> Self:
        fields = view.model_dump(include=set(cls.model_fields) - {"name"})
        return cls.model_validate(fields | {"name": view.device or ""})


class DeviceList(BaseModel):
    """Your devices, and the key that a browser subscribes to (`applicationServerKey`)."""

    devices: list[DeviceView]
    key: str
