"""Times in queries: ISO 8601, or milliseconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query

from patchwatch.contract.bounds import LATEST_MS
from service.problem import FieldProblem, InvalidFieldsError

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAY_MS = 86_400_000
_EXAMPLES = {
    "iso": {"summary": "ISO 8601", "value": "2026-11-23T08:00:00Z"},
    "day": {"summary": "a day, in UTC: from its beginning, to its end", "value": "2026-11-23"},
    "epoch": {"summary": "milliseconds since the epoch", "value": "1795420800000"},
}

From = Annotated[
    str | None, Query(alias="from", description="ISO 8601, a day, or epoch milliseconds.", openapi_examples=_EXAMPLES)
]
To = Annotated[str | None, Query(description="ISO 8601, a day, or epoch milliseconds.", openapi_examples=_EXAMPLES)]


def milliseconds(text: str, name: str) -> int:
    """Raises `InvalidFieldsError` naming the query parameter. A time without a zone is UTC."""
    try:
        if text.isdecimal():
            at_ms = int(text)
        else:
            at = datetime.fromisoformat(text.replace(" ", "+"))  # a '+' in a query arrives as a blank
            at_ms = round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        at_ms = -1
    if not 0 <= at_ms <= LATEST_MS:
        raise InvalidFieldsError(
            [
                FieldProblem(
                    location=f"query.{name}", message="use ISO 8601 (2026-11-23T08:00:00Z) or epoch milliseconds"
                )
            ]
        )
    return at_ms


def interval(from_: str | None, to: str | None) -> tuple[int | None, int | None]:
    """Both ends in milliseconds; a day as the latter is included. Raises `InvalidFieldsError` when they are swapped."""
    from_ms = milliseconds(from_, "from") if from_ else None
    to_ms = milliseconds(to, "to") if to else None
    if to_ms is not None and to and _DAY.fullmatch(to):
        to_ms = min(to_ms + _DAY_MS - 1, LATEST_MS)
    if from_ms is not None and to_ms is not None and from_ms > to_ms:
        raise InvalidFieldsError([FieldProblem(location="query.from", message="lies after `to`")])
    return from_ms, to_ms
