"""Frigate as a channel: where it is, and the events that alerts became there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from patchwatch.contract.bounds import TimeMs
from patchwatch.messages.base import CameraId

MAX_OPEN_EVENTS = 1000  # of one channel
_MAX_DONE = 200
_PORTS = {"frigate": 5000, "frigates": 8971}  # without a login; with one, over TLS
_FORM = "is not an address like frigate://HOST:5000 or frigates://USER:PASSWORD@HOST:8971"
# What Frigate takes for a camera's name, and what its event ids are made of.
FrigateName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$")]
EventId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,100}$")]


@dataclass(frozen=True)
class FrigateAddress:
    """``base``: what its paths begin with, without a slash at the end. ``user``: empty where none logs in."""

    base: str
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def from_url(cls, url: str) -> FrigateAddress | None:
        """From the address of a channel; None for another service's. Raises ValueError, without what was given."""
        scheme = url.partition("://")[0].lower()
        if scheme not in _PORTS:
            return None
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS[scheme]
        except ValueError:  # its own words would tell the password
            raise ValueError(_FORM) from None
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if not parts.hostname or parts.query or parts.fragment or parts.port == 0 or bool(user) != bool(password):
            raise ValueError(_FORM)
        return cls(f"{'https' if scheme == 'frigates' else 'http'}://{_host(parts)}:{port}{parts.path.rstrip('/')}",
                   user, password)  # fmt: skip


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host


class FrigateEvent(BaseModel):
    """An event at Frigate that lasts, because its alert is open. ``created_at_ms``: by our clock."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    alert_id: str = Field(max_length=200)
    camera_id: CameraId
    event_id: EventId
    created_at_ms: TimeMs


class FrigateCreation(BaseModel):
    """Noted before an event is asked for, because the answer may be lost: ``last_event_id`` was then the latest of this
    camera and label, and empty where there was none. A later one is ours."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    alert_id: str = Field(max_length=200)
    last_event_id: str = Field("", max_length=100)


class FrigateProgress(BaseModel):
    """How far a channel is at Frigate. ``events``: to be ended with their alerts. ``done``: the latest alerts that need
    nothing more, whatever is yet to be read of them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    events: tuple[FrigateEvent, ...] = Field((), max_length=MAX_OPEN_EVENTS)
    creation: FrigateCreation | None = None
    done: tuple[str, ...] = Field((), max_length=_MAX_DONE)

    def event_of(self, alert_id: str) -> FrigateEvent | None:
        """The one that lasts."""
        return next((event for event in self.events if event.alert_id == alert_id), None)

    def creation_for(self, alert_id: str) -> FrigateCreation | None:
        """What was noted of it, where its event is in hand."""
        return self.creation if self.creation is not None and self.creation.alert_id == alert_id else None

    def creating(self, creation: FrigateCreation) -> FrigateProgress:
        """Before an event is asked for."""
        return self.model_copy(update={"creation": creation})

    def lasting(self, event: FrigateEvent) -> FrigateProgress:
        """Once there is an event that is to be ended."""
        return self.model_copy(update={"events": (*self.events, event), "creation": None})

    def finished(self, alert_id: str) -> FrigateProgress:
        """Once nothing more is to be done about an alert."""
        events = tuple(event for event in self.events if event.alert_id != alert_id)
        creation = None if self.creation_for(alert_id) else self.creation
        done = (*self.done, alert_id)[-_MAX_DONE:]
        return self.model_copy(update={"events": events, "creation": creation, "done": done})
