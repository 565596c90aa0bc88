"""A bound on what strangers can make this process log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

_EVERY_S = 60.0
_LINES = 5  # of one kind in that time


@dataclass
class _Kind:
    since_s: float
    lines: int = 0


class LogLimit(logging.Filter):
    """Passes five lines of a kind a minute, and says of the last one that more are left out.

    A kind is a place in the code.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._kinds: dict[tuple[str, int], _Kind] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now_s = self._clock()
        kind = self._kinds.setdefault((record.pathname, record.lineno), _Kind(now_s))
        if now_s - kind.since_s >= _EVERY_S:
            kind.since_s, kind.lines = now_s, 0
        kind.lines += 1
        if kind.lines == _LINES:
            record.msg, record.args = f"{record.getMessage()} (more of these are left out for a minute)", ()
        return kind.lines <= _LINES


def install() -> None:
    """Limit the loggers of this process that requests can make write."""
    limit = LogLimit()
    for name in ("uvicorn.error", "asyncio", "service.problem", "patchwatch.service", "patchwatch.bus.stored_records"):
        logging.getLogger(name).addFilter(limit)
