"""Waiting for a condition. The deadline ends a test that waits in vain; how quick a machine is decides nothing."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")
PATIENCE_S = 120.0
_RAREST_S = 0.1
_SHARE = 0.05


def wait_until(condition: Callable[[], Value | None], *, within_s: float = PATIENCE_S, every_s: float = 0.02) -> Value:
    """The condition's first true value; fails when it stays false.

    What has not come for a while is asked for more rarely: the answers cost the processor time that it needs to come.
    """
    began_s = time.monotonic()
    while not (value := condition()):
        waited_s = time.monotonic() - began_s
        assert waited_s < within_s, f"not within {within_s:.0f} s"
        time.sleep(max(every_s, min(_RAREST_S, _SHARE * waited_s)))
    return value


async def eventually(condition: Callable[[], Value | None], within_s: float = PATIENCE_S) -> Value:
    """The condition's first true value, with the event loop running; fails when it stays false."""
    deadline_s = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < deadline_s, f"not within {within_s:.0f} s"
        await asyncio.sleep(0.02)
    return value


def listens(port: int) -> bool:
    """Whether a server accepts connections at a port of this machine: a condition to wait for."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def stretched(seconds: float) -> float:
    """A promised time, as much longer as tasks wait for each processor here: asserted as it is on an idle machine."""
    return seconds * max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))
