"""Follows the alerts of a service as they happen, through its WebSocket, without a hole where a connection ends."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from patchwatch.contract.errors import RejectedError
from patchwatch.rest_client import RestClient

if TYPE_CHECKING:
    from websockets.exceptions import ConnectionClosed

_OPEN_WITHIN_S = 10.0
_SILENT_S = 90.0  # the service says something at least every half a minute
_RECONNECT_S = 1.0
_REFUSED = range(4400, 4500)  # close codes: 4000 and the HTTP status


def alert_messages(client: RestClient, cameras: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The service's messages, one by one, for ever: reconnects, and resumes after the last one.

    Raises `RejectedError` when the service refuses.
    """
    after: str | None = None
    while True:
        query = urlencode([("camera", camera) for camera in cameras] + ([("after", after)] if after else []))
        for message in _connection(client, f"/ws/alerts?{query}"):
            after = message.get("id") or next(iter(message.get("positions", ())), after)
            yield message
        time.sleep(_RECONNECT_S)


def _connection(client: RestClient, path: str) -> Iterator[dict[str, Any]]:
    """The messages of one connection, until it ends."""
    from websockets.exceptions import ConnectionClosed, WebSocketException
    from websockets.sync.client import connect

    url, headers = client.websocket(path)
    try:
        with connect(
            url, additional_headers=headers, proxy=None, open_timeout=_OPEN_WITHIN_S, close_timeout=1
        ) as socket:
            while True:
                yield json.loads(socket.recv(timeout=_SILENT_S))
    except ConnectionClosed as error:
        _check(error)
    except (OSError, TimeoutError, WebSocketException):
        return


def _check(error: ConnectionClosed) -> None:
    closed = error.rcvd
    if closed is not None and closed.code in _REFUSED:
        raise RejectedError(closed.reason or f"the service refuses ({closed.code}): check PATCHWATCH_API_TOKEN")
