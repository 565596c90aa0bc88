"""Numbers and names in messages and counters, within what every reader can take."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

LATEST_MS = 253_402_300_799_999  # the end of the year 9999, the last time that ISO 8601 can express
LARGEST = 2**63 - 1  # the largest integer of Redis

PROFILE_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,30}$"  # of names of profiles

# Every order to the service is answered within this time (a test of a webhook waits for its receiver): clients wait on.
LONGEST_ANSWER_S = 75.0
LONGEST_DELIVERY_S = 60.0  # of `webhook_timeout_s`

TimeMs = Annotated[int, Field(ge=0, le=LATEST_MS)]  # milliseconds since the Unix epoch
Count = Annotated[int, Field(ge=0, le=LARGEST)]
Load = Annotated[float, Field(ge=0, le=1e6)]  # share of what one worker can do: 1 keeps it busy all the time


def counted(data: bytes | None) -> int:
    """The value of a counter in Redis; 0 for one that is absent or holds no count."""
    if data is None or not re.fullmatch(rb"\d{1,19}", data):
        return 0
    return min(int(data), LARGEST)
