"""Times in queries: ISO 8601, a day in UTC, or milliseconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime, BeforeValidator, WithJsonSchema

from patchwatch.contract.bounds import LATEST_MS
from service.problems.errors import InvalidFieldsError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EXAMPLES = {
    "iso": {"summary": "ISO 8601", "value": "2026-11-23T08:00:00Z"},
    "day": {"summary": "a day, in UTC: from its beginning, to its end", "value": "2026-11-23"},
    "epoch": {"summary": "milliseconds since the epoch", "value": "1795420800000"},
}


def _start(text: str) -> datetime | None:
    """A time without a zone is UTC. Pydantic's own parser would take a small number for seconds."""
    if not text:
        return None
    try:
        if text.isdecimal():
            at = _EPOCH + int(text) * _MILLISECOND
        else:
            at = datetime.fromisoformat(text.replace(" ", "+"))  # a '+' in a query arrives as a blank
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
        in_range = 0 <= milliseconds(at) <= LATEST_MS
    except (ValueError, OverflowError):
        in_range = False
    if not in_range:
        raise ValueError("use ISO 8601 (2026-11-23T08:00:00Z) or epoch milliseconds")
    return at


def _end(text: str) -> datetime | None:
    """As `_start`, but a day stands for its last millisecond."""
    at = _start(text)
    return at + (timedelta(days=1) - _MILLISECOND) if at is not None and _DAY.fullmatch(text) else at


_TEXT = WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]})
_DESCRIPTION = "ISO 8601, a day, or milliseconds since the epoch."

From = Annotated[
    AwareDatetime | None,
    BeforeValidator(_start),
    _TEXT,
    Query(alias="from", description=_DESCRIPTION, openapi_examples=_EXAMPLES),
]
To = Annotated[
    AwareDatetime | None, BeforeValidator(_end), _TEXT, Query(description=_DESCRIPTION, openapi_examples=_EXAMPLES)
]


def milliseconds(at: datetime) -> int:
    """Milliseconds since the epoch."""
    return round((at - _EPOCH) / _MILLISECOND)


def time_range_ms(from_: datetime | None, to: datetime | None) -> tuple[int | None, int | None]:
    """Both ends in milliseconds since the epoch. Raises `InvalidFieldsError` when they are swapped."""
    from_ms = milliseconds(from_) if from_ else None
    to_ms = milliseconds(to) if to else None
    if from_ms is not None and to_ms is not None and from_ms > to_ms:
        raise InvalidFieldsError.from_field("query.from", "lies after `to`")
    return from_ms, to_ms
