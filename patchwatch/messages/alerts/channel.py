"""A channel: a person or a service that is told of incidents, how far that is, and what was said."""

from __future__ import annotations

import re
import uuid
from enum import StrEnum
from typing import Self
from urllib.parse import unquote_plus, urlsplit

from pydantic import Field, SecretStr, field_serializer, field_validator, model_validator

from patchwatch.contract.bounds import Count, TimeMs
from patchwatch.contract.redaction import MASK
from patchwatch.contract.setting_parts.setting_values import check_page_address
from patchwatch.messages.alerts.alert import Alert, AlertKind, AlertState
from patchwatch.messages.alerts.device import Device, check_endpoint
from patchwatch.messages.alerts.frigate import FrigateAddress, FrigateName, FrigateProgress
from patchwatch.messages.alerts.hours import ActiveHours, zone
from patchwatch.messages.alerts.incident import Incident
from patchwatch.messages.alerts.severity import Severity, severity_of
from patchwatch.messages.alerts.webhook import Progress
from patchwatch.messages.base import CAMERA_ID_PATTERN, CameraId, Message, RedactedText

MAX_CHANNELS = 50  # each has a task and a connection to Redis
MAX_INCIDENTS = 50  # that a channel follows at once
MAX_CHANNEL_RECORDS = 200  # attempts kept in the log of each, the newest
MAX_TEMPLATE = 2000  # characters
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,31}")
_NOT_PLAIN = re.compile(r"[\s\x00-\x20\x7f]")
# They would write to this machine rather than to somebody.
_LOCAL = frozenset({"blink1", "dbus", "file", "gio", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"})


_OF_FILES = frozenset({"keyfile", "subfile"})  # options of some services


def _files_named(url: str) -> str | None:
    """The option of an address that makes Apprise read a file here; None where none does."""
    for text in re.split(r"[?&;]", url)[1:]:
        name, _, value = text.partition("=")
        name, value = unquote_plus(name).strip().lower(), unquote_plus(value)
        if name in _OF_FILES or (name == "template" and set(value) & set("/.\\~")):
            return name
    return None


class Channel(Message):
    """Configuration of one channel. Stored with its address in Redis; show `public()` to users.

    ``url``: as Apprise writes addresses of services; all of it is secret. An empty filter lets everything through.
    ``window_s``: alerts that begin so soon after the first are told of with it. ``after_minutes``: only what nobody has
    reviewed by then is told of; None: at once. ``over``: whether the end of an incident is told of, too.
    ``begun_before``: alerts that were open when it was added, switched on, or began to want them. ``device``: the
    browser that is told, where ``url`` is the endpoint of its push service. ``camera_names``: what Frigate calls
    cameras, by their ids here, where that is neither their name nor their id. ``page_url``: where messages find the
    page while the installation has no public address.
    """

    id: str = Field(pattern=CAMERA_ID_PATTERN)
    url: SecretStr
    cameras: tuple[CameraId, ...] = Field((), max_length=1000)
    kinds: tuple[AlertKind, ...] = Field((), max_length=len(AlertKind))
    least_severity: Severity = Severity.LOW
    hours: ActiveHours | None = None
    time_zone: str = Field("UTC", max_length=64)
    window_s: float = Field(5.0, ge=0, le=60)
    after_minutes: int | None = Field(None, ge=1, le=1440)
    over: bool = False
    picture: bool = True
    title: str = Field("", max_length=MAX_TEMPLATE)
    body: str = Field("", max_length=MAX_TEMPLATE)
    page_url: str | None = Field(None, max_length=2048)
    device: Device | None = None
    camera_names: dict[CameraId, FrigateName] = Field({}, max_length=1000)
    enabled: bool = True
    incarnation: str = Field(default_factory=lambda: uuid.uuid4().hex)
    begun_before: frozenset[str] | None = None

    @field_validator("url")
    @classmethod
    def _address(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        scheme, separator, rest = url.partition("://")
        if len(url) > 2048 or not (separator and rest and _SCHEME.fullmatch(scheme.lower())) or _NOT_PLAIN.search(url):
            raise ValueError(
                "is not an address like ntfy://HOST/TOPIC, mailto://USER:PASSWORD@HOST or tgram://TOKEN/ID"
            )
        if scheme.lower() in _LOCAL:
            raise ValueError(f"{scheme.lower()}:// would write to this machine: choose a service that reaches somebody")
        if named := _files_named(url):
            raise ValueError(f"its {named} names a file of this machine, whose content it would send: leave that out")
        FrigateAddress.from_url(url)
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        zone(value)
        return value

    @field_validator("page_url")
    @classmethod
    def _page_address(cls, value: str | None) -> str | None:
        return None if value is None else check_page_address(value)

    @model_validator(mode="after")
    def _fits_its_service(self) -> Self:
        if self.device is not None:
            check_endpoint(self.url.get_secret_value())
            if self.title or self.body:
                raise ValueError("a device shows our own words: leave title and body out")
        if self.frigate is None:
            if self.camera_names:
                raise ValueError("camera_names is of Frigate's alone: leave it out")
            return self
        meaningless = [name for name in ("after_minutes", "over", "title", "body") if getattr(self, name)]
        if meaningless:
            raise ValueError(f"{meaningless[0]} means nothing to Frigate, whose events begin and end: leave it out")
        return self

    @field_serializer("url", when_used="json")
    def _keep_address_in_store(self, value: SecretStr) -> str:
        return value.get_secret_value()

    def wants(self, alert: Alert) -> bool:
        """Whether an alert as it is now passes the filters, is for more than the page alone, and did not begin before
        this channel's time."""
        if alert.page_only or alert.id in (self.begun_before or ()):
            return False
        chosen = (not self.cameras or alert.camera_id in self.cameras) and (not self.kinds or alert.kind in self.kinds)
        return chosen and severity_of(alert).rank >= self.least_severity.rank

    def sends_opening_of(self, alert: Alert) -> bool:
        """Whether it is told of an open alert, or will be."""
        return self.enabled and self.wants(alert.model_copy(update={"state": AlertState.OPEN, "told": 0}))

    def speaks_at(self, at_ms: int) -> bool:
        return self.hours is None or self.hours.contain(at_ms, self.time_zone)

    @property
    def wait_ms(self) -> int:
        """From the beginning of an incident to its message."""
        return round(1000 * max(self.window_s, 60.0 * (self.after_minutes or 0)))

    @property
    def frigate(self) -> FrigateAddress | None:
        """Where alerts become events; None where the channel tells people."""
        return FrigateAddress.from_url(self.url.get_secret_value())

    @property
    def shown_url(self) -> str:
        """The service, and nothing of how it is reached: in such addresses any part may be a password."""
        return f"{urlsplit(self.url.get_secret_value()).scheme.lower()}://{MASK}"

    def public(self) -> dict[str, object]:
        """All fields, the address without its secrets."""
        shown = self.model_dump(mode="json", exclude={"version", "url", "incarnation", "begun_before", "device"})
        return {**shown, "url": self.shown_url, "device": self.device and self.device.name}


class ChannelProgress(Progress):
    """How far a channel is: ``position`` is that of the last entry that was looked at, ``incidents`` are what it has
    told of and is to tell of. ``silenced``: alerts that began while it was muted or outside its hours. ``attempts``:
    to send the message that is due; ``answered``: those that ended in an error of the service. ``frigate``: of one
    to Frigate, which has no incidents."""

    incidents: tuple[Incident, ...] = Field((), max_length=MAX_INCIDENTS)
    silenced: Count = 0
    answered: Count = 0
    frigate: FrigateProgress = FrigateProgress()


class NoticeKind(StrEnum):
    """What a message says."""

    ALERT = "alert"  # something began
    OVER = "over"  # all of it has ended
    TEST = "test"


class NoticeOutcome(StrEnum):
    """How an attempt to say it ended."""

    SENT = "sent"
    FAILED = "failed"  # it is tried again
    GIVEN_UP = "given_up"
    NOT_NEEDED = "not_needed"  # somebody had reviewed it by then, or the camera was muted


class ChannelRecord(Message):
    """An attempt of a channel, as its log keeps it."""

    at_ms: TimeMs
    notice: NoticeKind
    outcome: NoticeOutcome
    attempt: Count
    alert_ids: tuple[str, ...] = Field((), max_length=100)
    title: RedactedText = ""
    text: RedactedText = ""
    answer: RedactedText = ""
