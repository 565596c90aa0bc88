"""The messages that the service pushes over two WebSockets, each read in a thread of its own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

_OPEN_WITHIN_S = 10.0
_LISTEN_S = 0.5
_RECONNECT_S = 1.0

Message = dict[str, Any]


@dataclass
class PushedMessages:
    """All messages so far. Written by the feed's threads; read it while holding ``lock``."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    alerts: dict[str, Message] = field(default_factory=dict)  # The latest state of each, by id, in order of arrival.
    seen_at_ms: dict[str, int] = field(default_factory=dict)  # When each alert first arrived.
    fresh: list[Message] = field(default_factory=list)  # Changes of alerts that are not shown yet.
    score: Message | None = None
    scores: int = 0

    def add_alert(self, message: Message) -> None:
        alert = message["alert"]
        with self.lock:
            known = self.alerts.get(alert["id"])
            self.alerts[alert["id"]] = alert
            self.seen_at_ms.setdefault(alert["id"], time.time_ns() // 1_000_000)
            if known is None or known["state"] != alert["state"]:
                self.fresh.append(alert)

    def add_score(self, message: Message) -> None:
        with self.lock:
            self.score = message
            self.scores += 1

    def take_fresh(self) -> list[Message]:
        """Alerts that opened or closed since the last call."""
        with self.lock:
            fresh, self.fresh = self.fresh, []
            return fresh


class LiveFeed:
    """Follows a camera's alerts and scores until closed. Reconnects when a connection ends."""

    def __init__(self, base: str, camera_id: str, pushed: PushedMessages) -> None:
        self._closing = threading.Event()
        paths = {"alert": f"/ws/alerts?camera={camera_id}", "score": f"/ws/scores?camera={camera_id}"}
        handlers: dict[str, Callable[[Message], None]] = {"alert": pushed.add_alert, "score": pushed.add_score}
        self._threads = [
            threading.Thread(target=self._follow, args=(base + path, kind, handlers[kind]), name=f"feed-{kind}")
            for kind, path in paths.items()
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join()

    def _follow(self, url: str, kind: str, handle: Callable[[Message], None]) -> None:
        while not self._closing.is_set():
            try:
                with connect(url, proxy=None, open_timeout=_OPEN_WITHIN_S, close_timeout=1) as socket:
                    self._listen(socket, kind, handle)
            except (OSError, TimeoutError, WebSocketException):
                self._closing.wait(_RECONNECT_S)

    def _listen(self, socket: ClientConnection, kind: str, handle: Callable[[Message], None]) -> None:
        while not self._closing.is_set():
            try:
                message = json.loads(socket.recv(timeout=_LISTEN_S))
            except TimeoutError:
                continue
            if message.get("type") == kind:
                handle(message)
