"""The position of a client in a stream: the id of the last entry that it received."""

from __future__ import annotations

import re
from collections.abc import Iterable

from patchwatch.bus.streams import entry_order
from patchwatch.messages.base import CAMERA_ID_PATTERN
from service.problems.errors import InvalidFieldsError
from service.schemas.request import ENTRY_ID

_SCORE_ID = re.compile(rf"({CAMERA_ID_PATTERN[1:-1]}):({ENTRY_ID})")


def alert_position(after: str | None) -> str | None:
    """Raises `InvalidFieldsError` when ``after`` is not the id of an alert message."""
    if after is not None and not re.fullmatch(ENTRY_ID, after):
        raise InvalidFieldsError.from_field("query.after", "use the `id` of an alert message")
    return after


def score_positions(after: Iterable[str]) -> dict[str, str]:
    """Positions by camera id; of several ids of one camera the newest. Raises `InvalidFieldsError`."""
    positions: dict[str, str] = {}
    for message_id in after:
        match = _SCORE_ID.fullmatch(message_id)
        if match is None:
            raise InvalidFieldsError.from_field(
                "query.after", "use the `id` of a score message (CAMERA:ENTRY), once per camera"
            )
        camera_id, entry_id = match.groups()
        known = positions.get(camera_id)
        positions[camera_id] = entry_id if known is None else max(known, entry_id, key=entry_order)
    return positions
