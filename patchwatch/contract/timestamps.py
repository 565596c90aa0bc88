"""Times as people and other programs read them: ISO 8601."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import PlainSerializer, WithJsonSchema

_EXAMPLE = "2026-11-23T08:30:00.250Z"


def iso(milliseconds: int) -> str:
    """UTC time as ISO 8601 with milliseconds."""
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


Time = Annotated[
    int,
    PlainSerializer(iso, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": [_EXAMPLE]}),
]  # milliseconds since the epoch inside, ISO 8601 outside
