"""Looks at the status of all cameras several times a second, as a user with a dashboard would."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, takewhile
from typing import Any

import httpx

_EVERY_S = 0.1
_ANSWER_WITHIN_S = 1.5


@dataclass(frozen=True)
class Look:
    """One answer: the statuses by camera, or what came in their place."""

    at_s: float  # wall clock, when it was asked for
    statuses: dict[str, Any]
    failure: str = ""

    def word(self, camera_id: str) -> str:
        """The camera's health, with the capture's reason."""
        if self.failure:
            return self.failure
        status = self.statuses.get(camera_id)
        if status is None:
            return "gone"
        reason = (status["capture"] or {}).get("reason")
        health: str = status["health"]
        return f"{health} ({reason})" if reason and health != "ok" else health

    def scored_after(self, camera_id: str, at_s: float) -> bool:
        """Whether the camera is well and a frame captured after ``at_s`` has its score."""
        status = self.statuses.get(camera_id)
        if status is None or status["health"] != "ok":
            return False
        return seconds(status["last_score"]["t"]) > at_s

    def usual(self, camera_id: str) -> bool:
        """Whether the camera is well and its latest score is none to be alerted."""
        status = self.statuses.get(camera_id)
        if status is None or status["health"] != "ok":
            return False
        return bool(status["last_score"]["score"] < status["analysis"]["threshold_on"])


class StatusWatch:
    """Keeps all looks. Use as a context manager."""

    def __init__(self, base: str) -> None:
        self._http = httpx.Client(base_url=base, timeout=_ANSWER_WITHIN_S)
        self._looks: list[Look] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="status-watch")

    def __enter__(self) -> StatusWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._http.close()

    def since(self, at_s: float) -> list[Look]:
        """Looks since a moment of the wall clock."""
        recent = list(takewhile(lambda look: look.at_s >= at_s, reversed(self._looks)))  # of thousands, the last ones
        return recent[::-1]

    def words(self, camera_id: str, since_s: float) -> list[str]:
        """What was seen of a camera, one word per change."""
        return [word for word, _ in groupby(look.word(camera_id) for look in self.since(since_s))]

    def _watch(self) -> None:
        while not self._stop.wait(_EVERY_S):
            self._looks.append(self._look())

    def _look(self) -> Look:
        at_s = time.time()
        try:
            answer = self._http.get("/api/v1/status")
        except httpx.HTTPError:
            return Look(at_s, {}, "no answer")
        if not answer.is_success:
            return Look(at_s, {}, f"HTTP {answer.status_code}")
        return Look(at_s, {status["camera_id"]: status for status in answer.json()["statuses"]})


def seconds(iso: str) -> float:
    """Unix time of a time as the API writes it."""
    return datetime.fromisoformat(iso).timestamp()
