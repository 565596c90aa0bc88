"""A limit on what clients can make this process log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

_LIMITED_LOGGERS = (
    "uvicorn.error",
    "asyncio",
    "service.problems.responses",
    "patchwatch.service",
    "patchwatch.bus.stored_records",
)
_PERIOD_S = 60.0
_LINES_PER_PERIOD = 5


@dataclass
class _Counter:
    since_s: float
    lines: int = 0


class LogLimit(logging.Filter):
    """Passes five lines a minute from each place in the code. The fifth says that more are left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._counters: dict[tuple[str, int], _Counter] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now_s = self._clock()
        counter = self._counters.setdefault((record.pathname, record.lineno), _Counter(now_s))
        if now_s - counter.since_s >= _PERIOD_S:
            counter.since_s, counter.lines = now_s, 0
        counter.lines += 1
        if counter.lines == _LINES_PER_PERIOD:
            record.msg, record.args = f"{record.getMessage()} (more of these are left out for a minute)", ()
        return counter.lines <= _LINES_PER_PERIOD


def install() -> None:
    """Limit the loggers that requests can make write."""
    limit = LogLimit()
    for name in _LIMITED_LOGGERS:
        logging.getLogger(name).addFilter(limit)
