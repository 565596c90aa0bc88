"""Where a client stands in a stream: the id of the last entry it was sent."""

from __future__ import annotations

import re
from collections.abc import Iterable

from patchwatch.bus.streams import entry_order
from patchwatch.messages.base import CAMERA_ID_PATTERN
from service.problem import FieldProblem, InvalidFieldsError
from service.schemas.stream_id import ENTRY_ID

_OF_CAMERA = re.compile(rf"({CAMERA_ID_PATTERN[1:-1]}):({ENTRY_ID})")


def alert_position(after: str | None) -> str | None:
    """Raises `InvalidFieldsError` when it is no id of an alert message."""
    if after is not None and not re.fullmatch(ENTRY_ID, after):
        raise _invalid("use the `id` of an alert message")
    return after


def score_positions(after: Iterable[str]) -> dict[str, str]:
    """By camera; of several ids of one camera the newest. Raises `InvalidFieldsError`."""
    positions: dict[str, str] = {}
    for one in after:
        match = _OF_CAMERA.fullmatch(one)
        if match is None:
            raise _invalid("use the `id` of a score message (CAMERA:ENTRY), once per camera")
        camera_id, entry_id = match.groups()
        known = positions.get(camera_id)
        positions[camera_id] = entry_id if known is None else max(known, entry_id, key=entry_order)
    return positions


def _invalid(message: str) -> InvalidFieldsError:
    return InvalidFieldsError([FieldProblem(location="query.after", message=message)])
