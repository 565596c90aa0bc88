"""Channels and mutes as the API takes and shows them. Their rules live in `patchwatch.messages.alerts`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from patchwatch.contract.timestamps import Time
from patchwatch.messages.alerts.alert import AlertKind
from patchwatch.messages.alerts.channel import (
    MAX_TEMPLATE,
    Channel,
    ChannelProgress,
    ChannelRecord,
    NoticeKind,
    NoticeOutcome,
)
from patchwatch.messages.alerts.frigate import FrigateName
from patchwatch.messages.alerts.hours import ActiveHours
from patchwatch.messages.alerts.mute import ALL_CAMERAS, LONGEST_MUTE_MS, Mute
from patchwatch.messages.alerts.severity import Severity
from service.schemas.request import Id, NewId, RequestBody, at_most

_Url = Annotated[SecretStr, Field(max_length=2048)]
_Template = Annotated[str, Field(max_length=MAX_TEMPLATE)]


class ChannelChange(RequestBody):
    """Fields to change; the others keep their values. An empty filter lets all alerts pass."""

    url: _Url | None = Field(
        None,
        description="The address as Apprise writes it, such as `ntfy://HOST/TOPIC`, or Frigate's, as "
        "`frigate://HOST:5000` or `frigates://USER:PASSWORD@HOST:8971`. It is never shown again.",
        examples=["ntfys://ntfy.example/front-door"],
    )
    cameras: Annotated[list[Id], at_most(1000)] | None = Field(
        None, description="Only alerts of these cameras, which must exist.", examples=[["gate"]]
    )
    kinds: Annotated[list[AlertKind], at_most(len(AlertKind))] | None = Field(
        None, description="Only alerts of these kinds.", examples=[["anomaly"]]
    )
    least_severity: Severity | None = Field(
        None,
        description="Of an anomaly: by how far its peak is over the threshold, in thirds. Of the other kinds: `high` "
        "where nothing can be seen any more, `medium` where the picture is disturbed, `low` for a drift. An alert that "
        "rises to it is told of then.",
    )
    hours: ActiveHours | None = Field(
        None, description="When alerts that begin are told of, in `time_zone`; null: always."
    )
    time_zone: Annotated[str, Field(max_length=64)] | None = Field(None, examples=["Europe/Berlin"])
    window_s: Annotated[float, Field(ge=0, le=60)] | None = Field(
        None,
        description="Seconds that a message waits for other cameras that see the same incident: alerts that begin "
        "within them are one message.",
    )
    after_minutes: Annotated[int, Field(ge=1, le=1440)] | None = Field(
        None, description="Escalation: only what nobody has reviewed so many minutes later is told of; null: at once."
    )
    over: bool | None = Field(None, description="Whether a second message says that the incident has ended.")
    picture: bool | None = Field(None, description="Whether the picture is sent where the service takes one.")
    title: _Template | None = Field(None, description="Jinja2 template of the title; empty: ours.")
    body: _Template | None = Field(None, description="Jinja2 template of the text; empty: ours.")
    camera_names: Annotated[dict[Id, FrigateName], at_most(1000)] | None = Field(
        None,
        description="Of Frigate: what it calls cameras, by their ids here, where that is neither their name nor "
        "their id.",
        examples=[{}],
    )
    page_url: Annotated[str, Field(max_length=2048)] | None = Field(
        None,
        description="Address of the page that messages link to while `PATCHWATCH_PUBLIC_URL` is not set; null: they "
        "carry no link.",
        examples=["http://192.168.1.5:8080"],
    )
    enabled: bool | None = Field(
        None, description="A channel that is switched on again gets the alerts from that moment on."
    )

    def fields(self) -> dict[str, Any]:
        """The fields that the request sets; null says something for three of them alone."""
        set_to = {name: getattr(self, name) for name in self.model_fields_set}
        nullable = "hours", "after_minutes", "page_url"
        return {name: one for name, one in set_to.items() if one is not None or name in nullable}


class NewChannel(ChannelChange):
    """Somebody to tell of alerts from now on."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": "phone", "url": "ntfys://ntfy.example/front-door"}]}
    )

    id: NewId = Field(examples=["phone"])
    url: _Url = Field(examples=["ntfys://ntfy.example/front-door"])


class ChannelHealth(StrEnum):
    """Whether a channel can tell, or why it cannot."""

    OK = "ok"
    DISABLED = "disabled"
    UNATTENDED = "unattended"  # no delivery worker is alive
    FAILING = "failing"


class ChannelView(BaseModel):
    """A channel without its address, and how it goes."""

    id: str = Field(examples=["phone"])
    url: str = Field(description="The service alone.", examples=["ntfys://***"])
    cameras: list[str]
    kinds: list[AlertKind]
    least_severity: Severity
    hours: ActiveHours | None
    time_zone: str
    window_s: float
    after_minutes: int | None
    over: bool
    picture: bool
    title: str
    body: str
    device: str | None = Field(description="What its owner calls the browser that is told; null: no device.")
    camera_names: dict[str, str]
    page_url: str | None
    links_to: str | None = Field(
        description="Where its messages find the page: `PATCHWATCH_PUBLIC_URL`, else `page_url`; null: nowhere. A "
        "device finds it by itself.",
        examples=["https://home.example/cams"],
    )
    enabled: bool
    health: ChannelHealth
    reason: str = Field(examples=[""])
    waiting: int = Field(description="Incidents that will be told of, or are to be tried again.")
    delivered: int = Field(description="Messages that the service took.")
    failed: int = Field(description="Failed attempts.")
    dead: int = Field(description="Messages given up.")
    forgotten: int = Field(description="Incidents that were never told of, because too many waited.")
    missed: int = Field(description="Alert changes that left the queue before they were looked at.")
    silenced: int = Field(description="Alerts that began while their camera was muted, or outside the hours.")
    last_success: Time | None
    last_error: str
    last_error_at: Time | None
    next_attempt: Time | None = Field(description="When sending is tried again, after a failed attempt.")

    @classmethod
    def from_progress(
        cls, channel: Channel, progress: ChannelProgress, *, attended: bool, public_url: str | None
    ) -> Self:
        """``attended``: whether a delivery worker is alive. ``public_url``: of the installation."""
        health, reason = _health(channel, progress, attended)
        counts = progress.model_dump(include={"delivered", "failed", "dead", "forgotten", "missed", "silenced"})
        return cls.model_validate(
            {
                **channel.public(), **counts, "health": health, "reason": reason,
                "links_to": public_url or channel.page_url,
                "waiting": sum(not incident.told for incident in progress.incidents),
                "last_success": progress.last_success_at_ms, "last_error": progress.last_error,
                "last_error_at": progress.last_error_at_ms, "next_attempt": progress.retry_at_ms or None,
            }
        )  # fmt: skip


def _health(channel: Channel, progress: ChannelProgress, attended: bool) -> tuple[ChannelHealth, str]:
    if not channel.enabled:
        return ChannelHealth.DISABLED, f"switched off: {how_to_enable(channel.id)}"
    if not attended:
        return ChannelHealth.UNATTENDED, "no delivery worker is alive: start `patchwatch run delivery`"
    if progress.streak:
        return ChannelHealth.FAILING, f"{progress.last_error} ({progress.streak} failed attempts in a row)"
    if progress.failed_trial:
        return ChannelHealth.FAILING, f"the last test failed: {progress.failed_trial}"
    if not progress.last_success_at_ms:
        return ChannelHealth.OK, f"nothing has been sent yet: `patchwatch channels test {channel.id}` sends a test"
    return ChannelHealth.OK, ""


def how_to_enable(channel_id: str) -> str:
    """The ways to switch a channel on, as part of a sentence."""
    return f"`patchwatch channels update {channel_id} --enable`, or PATCH it with enabled=true"


class ChannelList(BaseModel):
    """All channels, without their addresses."""

    channels: list[ChannelView]


class ChannelRecordView(BaseModel):
    """An attempt to send a message."""

    t: Time
    notice: NoticeKind
    outcome: NoticeOutcome = Field(
        description="`failed` is tried again, `given_up` is not; `not_needed`: it was reviewed, or muted, by then."
    )
    attempt: int
    alert_ids: list[str]
    title: str
    text: str
    answer: str = Field(description="Why it failed.", examples=["HTTP 401"])

    @classmethod
    def from_record(cls, record: ChannelRecord) -> Self:
        return cls(t=record.at_ms, **record.model_dump(include=set(cls.model_fields) - {"t"}))


class ChannelLog(BaseModel):
    """The last attempts, the newest first."""

    records: list[ChannelRecordView]


class MuteOrder(RequestBody):
    """Until when nothing is to be said: either of the two."""

    minutes: Annotated[int, Field(ge=1, le=LONGEST_MUTE_MS // 60_000)] | None = Field(None, examples=[60])
    until: Literal["tomorrow"] | None = Field(None, description="The next midnight in `time_zone`.")
    time_zone: Annotated[str, Field(max_length=64)] = Field("UTC", examples=["Europe/Berlin"])

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.minutes is None) == (self.until is None):
            raise ValueError('give `minutes`, or `until` as "tomorrow"')
        return self


class MuteView(BaseModel):
    """No message is sent about this camera until then; alerts are raised and kept all the same."""

    camera_id: str | None = Field(description="Null: all cameras.", examples=["gate"])
    until: Time

    @classmethod
    def from_mute(cls, mute: Mute) -> Self:
        return cls(camera_id=None if mute.id == ALL_CAMERAS else mute.id, until=mute.until_ms)


class MuteList(BaseModel):
    """The mutes that last."""

    mutes: list[MuteView]
