"""A webhook: where alerts are sent to, how far its deliveries are, and what could not be delivered."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import uuid
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, SecretStr, field_serializer, field_validator

from patchwatch.contract.redaction import MASK
from patchwatch.messages.alerts.alert import Alert, AlertChange, AlertKind, AlertState
from patchwatch.messages.base import CAMERA_ID_PATTERN, CameraId, Message, RedactedText

MAX_WEBHOOKS = 50  # each has a task, a connection to Redis and one to its receiver
MAX_DEAD_LETTERS = 1000  # kept per webhook, the newest
_PREFIX = "whsec_"  # of a secret, in Standard Webhooks
_SECRET_BYTES = 32
_SECRET_BYTES_ALLOWED = range(24, 65)


class Webhook(Message):
    """Configuration of one webhook. Stored with its secret in Redis; show `public()` to users.

    An empty filter lets everything through. A new ``incarnation`` starts from then on: what an older one had in hand
    is void. ``begun_before``: alerts that were open when it was added, switched on, or began to want them.
    """

    id: str = Field(pattern=CAMERA_ID_PATTERN)
    url: str = Field(max_length=2048, repr=False)
    secret: SecretStr
    cameras: tuple[CameraId, ...] = Field((), max_length=1000)
    kinds: tuple[AlertKind, ...] = Field((), max_length=len(AlertKind))
    states: tuple[AlertChange, ...] = Field((), max_length=len(AlertChange))
    enabled: bool = True
    gone: bool = False  # switched off because its receiver answered 410
    incarnation: str = Field(default_factory=lambda: uuid.uuid4().hex)
    begun_before: frozenset[str] | None = None

    @field_validator("url")
    @classmethod
    def _http(cls, value: str) -> str:
        if not _is_http(value):
            raise ValueError("is not an address like https://HOST[:PORT]/PATH or http://USER:PASSWORD@HOST/PATH")
        return value

    @field_validator("secret")
    @classmethod
    def _signs(cls, value: SecretStr) -> SecretStr:
        if len(_secret_bytes(value.get_secret_value())) not in _SECRET_BYTES_ALLOWED:
            raise ValueError(f"is not {_PREFIX} with the base64 of 24 to 64 bytes: leave it out to get a new one")
        return value

    @field_serializer("secret", when_used="json")
    def _keep_secret_in_store(self, value: SecretStr) -> str:
        return value.get_secret_value()

    def wants(self, alert: Alert) -> bool:
        """Whether a change of an alert passes the filters, and its opening was not before this webhook's time: a
        receiver of openings gets no other change without one."""
        if self.wants_openings and alert.id in (self.begun_before or ()):
            return False
        return all(
            not chosen or value in chosen
            for chosen, value in (
                (self.cameras, alert.camera_id),
                (self.kinds, alert.kind),
                (self.states, alert.change),
            )
        )

    @property
    def wants_openings(self) -> bool:
        return not self.states or AlertChange.OPEN in self.states

    def sends_opening_of(self, alert: Alert) -> bool:
        """Whether it was sent the opening of an open alert, or will be."""
        return self.enabled and self.wants(alert.model_copy(update={"state": AlertState.OPEN, "told": 0}))

    def signing_key(self) -> bytes:
        return _secret_bytes(self.secret.get_secret_value())

    def public(self) -> dict[str, object]:
        """All fields but the secret; the address without user, password and query."""
        shown = self.model_dump(mode="json", exclude={"version", "secret", "incarnation", "begun_before"})
        return {**shown, "url": shown_url(self.url)}


def new_secret() -> str:
    """A random signing secret in the form of Standard Webhooks."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def shown_url(url: str) -> str:
    """The address without what may be a password: user, password and the query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")
    return urlunsplit(
        (parts.scheme, f"{MASK}@{host[2]}" if host[1] else host[2], parts.path, MASK if parts.query else "", "")
    )


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # its own words would tell the password
        return False
    plain = not re.search(r"[\s\x00-\x20\x7f]", url)
    return bool(plain and parts.scheme in ("http", "https") and parts.hostname and port != 0 and not parts.fragment)


def _secret_bytes(secret: str) -> bytes:
    """Empty for what is no secret."""
    if not secret.startswith(_PREFIX):
        return b""
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""


class DeadLetter(Message):
    """A change of an alert that was given up. ``entry_id``: of the change on the stream of alerts."""

    entry_id: str
    alert: Alert
    attempts: int
    reason: RedactedText
    died_at_ms: int


class Progress(Message):
    """How far the deliveries of a webhook are. Written in one transaction with what it is about.

    ``passed`` counts the entries of the stream of alerts up to ``position``, so that entries which were trimmed before
    they could be read can be counted.
    """

    position: str = "0-0"
    passed: int = 0
    delivered: int = 0
    failed: int = 0  # attempts
    dead: int = 0
    forgotten: int = 0  # dead letters that newer ones pushed out
    missed: int = 0  # trimmed from the stream before they were delivered
    unreadable: int = 0
    attempts: int = 0  # of the entry after `position`, that its receiver answered
    streak: int = 0  # attempts failed in a row, of any entry
    retry_at_ms: int = 0
    last_success_at_ms: int | None = None
    last_error_at_ms: int | None = None
    last_error: RedactedText = ""
    failed_trial: RedactedText = ""  # why the last test failed; empty once something was delivered

    def moved(self, **changes: object) -> Self:
        """With other values."""
        return self.model_copy(update=changes)


class TrialResult(Message):
    """How a test of a webhook ended."""

    delivered: bool
    detail: str = ""  # holds no address
