"""Waiting for a condition, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def wait_until(condition: Callable[[], Value], *, within_s: float = 60.0, every_s: float = 0.05) -> Value:
    """The condition's first true value; fails when it stays false."""
    deadline_s = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < deadline_s, f"not within {within_s:.0f} s"
        time.sleep(every_s)
    return value
