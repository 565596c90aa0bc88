"""A thread of the enrolment worker that asks Redis for work again and again, and survives a lost Redis."""

from __future__ import annotations

import threading
from collections.abc import Callable

import redis

from patchwatch.bus.connection import translated
from patchwatch.bus.outage_log import OutageLog
from patchwatch.contract.errors import BusUnavailableError

_STOP_WITHIN_S = 5.0


class PollingThread:
    """Calls ``poll`` every so many seconds until `stop`. ``waiting``: what waits while Redis is away, for the log.

    Any other error ends the thread, which `alive` tells.
    """

    def __init__(self, name: str, poll: Callable[[], None], every_s: float, waiting: str) -> None:
        self._poll = poll
        self._every_s = every_s
        self._outage = OutageLog(waiting)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.name = name

    def start(self) -> None:
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=_STOP_WITHIN_S)

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            try:
                with translated():
                    self._poll()
                self._outage.answered()
            except (BusUnavailableError, redis.RedisError) as error:
                self._outage.failed(error)
