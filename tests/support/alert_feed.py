"""Follows the alerts' WebSocket as a careful client does: connects again when cut off, and resumes by id."""

from __future__ import annotations

import json
import threading
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect


class AlertFeed:
    """All alert messages in the order they came. Use as a context manager; connected when entered."""

    def __init__(self, base: str) -> None:
        self._url = base.replace("http", "ws", 1) + "/api/v1/ws/alerts"
        self._last_id: str | None = None
        self._connected = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="alert-feed")
        self.messages: list[dict[str, Any]] = []

    def __enter__(self) -> AlertFeed:
        self._thread.start()
        assert self._connected.wait(120)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def opened(self, camera_id: str, *, kind: str = "anomaly") -> list[str]:
        """Ids of a camera's alerts in the order they were first heard of."""
        alerts = (message["alert"] for message in list(self.messages))
        return list(dict.fromkeys(one["id"] for one in alerts if (one["camera_id"], one["kind"]) == (camera_id, kind)))

    def _follow(self) -> None:
        while not self._stop.wait(0.2):
            try:
                with connect(self._address(), open_timeout=5, close_timeout=1) as socket:
                    self._listen(socket)
            except (OSError, TimeoutError, WebSocketException):
                continue

    def _address(self) -> str:
        return self._url + (f"?after={self._last_id}" if self._last_id else "")

    def _listen(self, socket: ClientConnection) -> None:
        while not self._stop.is_set():
            try:
                message = json.loads(socket.recv(timeout=0.3))
            except TimeoutError:
                continue
            self._connected.set()
            if message["type"] == "alert":
                self._last_id = message["id"]
                self.messages.append(message)
            elif message.get("positions"):
                [self._last_id] = message["positions"]
