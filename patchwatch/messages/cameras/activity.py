"""The activity of a camera by quarters of an hour of the week, and whether something is absent."""

from __future__ import annotations

import time
from datetime import date
from enum import StrEnum

from pydantic import Field

from patchwatch.contract.bounds import TimeMs
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.base import CameraId, Message, RedactedText

QUARTER_MS = 900_000
QUARTERS = 672  # of a week
KEPT_WEEKS = 13
UNKNOWN, NOTHING = 0, 1  # of a quarter; more: something moved, for so many 254ths of it
_MOST = 255
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def place_of(at_ms: int) -> tuple[int, int]:
    """The week that a moment (Unix time) lies in, numbered, and its quarter, from Monday 00:00 local time of this
    machine. An hour that the clocks repeat has its quarters twice."""
    local = time.localtime(at_ms / 1000)
    week = (date(local.tm_year, local.tm_mon, local.tm_mday).toordinal() - 1) // 7
    return week, local.tm_wday * 96 + local.tm_hour * 4 + local.tm_min // 15


def monday_of(week: int) -> date:
    """The first day of a numbered week."""
    return date.fromordinal(week * 7 + 1)


def in_words(quarter: int) -> str:
    """The beginning of a quarter of the week: ``Monday 07:15``."""
    return f"{_DAYS[quarter // 96 % 7]} {quarter % 96 // 4:02d}:{quarter % 4 * 15:02d}"


def value_of(moved_s: float, seen_s: float, least_seen_s: float) -> int:
    """Of a quarter in which something moved for so many seconds of those that were seen. That something moved is known
    however little was seen; that nothing did, only where enough was."""
    if moved_s > 0:
        return min(_MOST, NOTHING + 1 + int(moved_s / (QUARTER_MS / 1000) * (_MOST - NOTHING - 1)))
    return NOTHING if seen_s >= least_seen_s else UNKNOWN


def decoded_weeks(stored: dict[bytes, bytes]) -> dict[int, bytes]:
    """Of `CameraKeys.activity`, by the number of the week. What is no week is left out: it counts as not known."""
    weeks = {int(name): row for name, row in stored.items() if name.isdigit() and len(name) <= 6}
    return {week: row for week, row in weeks.items() if len(row) == QUARTERS}


class AbsenceState(StrEnum):
    """How far a camera that watches for absence is."""

    LEARNING = "learning"  # too few weeks are known of this hour
    WATCHING = "watching"
    UNSEEN = "unseen"  # nobody can see just now, so nothing is absent
    ABSENT = "absent"


class Absence(Message):
    """Of a camera that watches for absence; written by an enrolment worker when it changes.

    ``chance``: that nothing has moved by now, by the weeks before; None where too few are known. ``quiet_since_ms``:
    since when nothing has moved, Unix time. ``text``: in words. ``alert``: the open one, while there is one.
    """

    camera_id: CameraId
    state: AbsenceState
    text: RedactedText = ""
    chance: float | None = Field(None, ge=0, le=1)
    weeks: int = Field(0, ge=0, le=KEPT_WEEKS)  # known of this hour
    quiet_since_ms: TimeMs | None = None
    alert: Alert | None = None
    updated_at_ms: TimeMs = 0
