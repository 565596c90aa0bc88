"""A mute: until when no message is sent about a camera, or about any. Alerts are raised and kept all the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time

from pydantic import Field

from patchwatch.contract.bounds import TimeMs
from patchwatch.messages.alerts.hours import zone
from patchwatch.messages.base import CAMERA_ID_PATTERN, Message

ALL_CAMERAS = "*"
LONGEST_MUTE_MS = 31 * 86_400_000


class Mute(Message):
    """``id``: the camera's, or `ALL_CAMERAS`. Times by the clock of Redis."""

    id: str = Field(pattern=rf"{CAMERA_ID_PATTERN}|^\*$")
    until_ms: TimeMs


def is_muted(mutes: Mapping[str, Mute], camera_id: str, at_ms: int) -> bool:
    """Whether nothing is to be said about the camera then. ``mutes``: by their ids."""
    chosen = (mutes.get(ALL_CAMERAS), mutes.get(camera_id))
    return any(mute is not None and at_ms < mute.until_ms for mute in chosen)


def tomorrow_ms(now_ms: int, time_zone: str) -> int:
    """The next midnight in the time zone."""
    place = zone(time_zone)
    today = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(place).date()
    return int(datetime.combine(today + timedelta(days=1), clock_time(), place).timestamp() * 1000)
