"""A thread of the enrolment worker that asks Redis for work again and again, and survives a lost Redis."""

from __future__ import annotations

import threading
from collections.abc import Callable

import redis

from patchwatch.bus.connection import translated
from patchwatch.bus.outage_log import OutageLog
from patchwatch.contract.errors import BusUnavailableError

_RETRY_S = 0.5  # at least, where Redis does not answer
_STOP_WITHIN_S = 5.0


class PollingThread:
    """Calls ``poll`` every so many seconds until `stop`; 0 for one that waits in Redis itself. ``waiting``: what waits
    while Redis is away, for the log.

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
        pause_s = self._every_s
        while not self._stopping.wait(pause_s):
            try:
                with translated():
                    self._poll()
                self._outage.answered()
                pause_s = self._every_s
            except (BusUnavailableError, redis.RedisError) as error:
                self._outage.failed(error)
                pause_s = max(self._every_s, _RETRY_S)
