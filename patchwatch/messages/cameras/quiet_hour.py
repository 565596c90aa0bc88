"""One hour of a camera: how much of it was watched, and how usual it looked while nothing happened."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field

from patchwatch.contract.bounds import TimeMs
from patchwatch.contract.errors import InvalidMessageError
from patchwatch.messages.base import Message

HOUR_MS = 3_600_000
HOURS_KEPT = 31 * 24
LEAST_SAMPLES = 60  # an hour of which fewer quiet frames are known says nothing
_FIELD = b"h"
_Samples = Annotated[int, Field(ge=0, le=100_000)]


class QuietHour(Message):
    """Written by an enrolment worker once the hour is over.

    ``minutes``: those in which something was scored. ``samples``: quiet frames that were looked at, some seconds apart;
    quiet is what belongs to no alert. ``rare``: of these, by stream, how many were rarer than nine of ten normal ones.
    ``bank_id``: of the bank in use at its end; ``level_per_day``: the alarm budget that its level stood for then. None
    where that is not known; the latter also where the level was provisional.
    """

    hour_ms: TimeMs
    minutes: int = Field(0, ge=0, le=60)
    samples: _Samples = 0
    rare: dict[str, _Samples] = Field(default_factory=dict, max_length=32)
    bank_id: str | None = Field(None, max_length=100)
    level_per_day: float | None = Field(None, gt=0, le=1e6)

    def share(self, stream: str) -> float | None:
        """The share (0..1) of rare frames; None where too little is known."""
        if self.samples < LEAST_SAMPLES or stream not in self.rare:
            return None
        return min(1.0, self.rare[stream] / self.samples)

    @property
    def entry_id(self) -> str:
        return f"{self.hour_ms}-0"

    def fields(self) -> dict[bytes, bytes]:
        """Of its entry in the stream `CameraKeys.hours`."""
        return {_FIELD: self.encode()}

    @classmethod
    def from_fields(cls, fields: dict[bytes, bytes]) -> Self:
        """Raises `InvalidMessageError`."""
        if _FIELD not in fields:
            raise InvalidMessageError("an hour has no field 'h'")
        return cls.decode(fields[_FIELD])
