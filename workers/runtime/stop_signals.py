"""The order to stop, for workers that are asyncio."""

from __future__ import annotations

import asyncio
import signal


def stop_signals() -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT; the second has its default effect.

    Whoever stops sets a flag that loops look at, too: a cancellation alone may get lost, as when redis-py's limit for
    an answer is over at the same moment.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def handle(number: int) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, handle, number)
    return stop
