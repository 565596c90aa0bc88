"""Pages that only the site has, because they are made of the code."""

from __future__ import annotations

from collections.abc import Callable

from website import error_messages, rest_reference, websocket_reference

MADE: dict[str, Callable[[], str]] = {
    "docs/reference/rest.md": rest_reference.page,
    "docs/reference/schemas.md": rest_reference.schemas,
    "docs/reference/websockets.md": websocket_reference.page,
    "docs/reference/messages.md": error_messages.page,
}
