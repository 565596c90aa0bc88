"""The signals that ask a process to stop: SIGINT and SIGTERM, for some SIGHUP too."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_STOP = (signal.SIGINT, signal.SIGTERM)


def stop_event() -> asyncio.Event:
    """For asyncio workers: set by the first signal; a second one has its default effect.

    Every loop of a worker checks the event. A cancellation alone may get lost: redis-py swallows one that arrives in
    the moment in which its own time limit for an answer ends.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def handle(number: int) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in _STOP:
        loop.add_signal_handler(number, handle, number)
    return stop


async def stop_or_end(worker: asyncio.Task[None], stop: asyncio.Event) -> None:
    """Wait until the worker is asked to stop, or ends by itself. Raises what it ended with."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({worker, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if worker.done():
        worker.result()


def call_on_stop(stop: Callable[[], None]) -> None:
    """For threaded workers: every signal calls ``stop``. Call in the main thread."""
    for number in _STOP:
        signal.signal(number, lambda *_: stop())


@contextmanager
def stop_handler(handle: Callable[[], None]) -> Iterator[None]:
    """For programs in a terminal: every signal, be it SIGHUP, calls ``handle`` meanwhile. Use in the main thread."""
    numbers = list(_STOP)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup` has it ignored
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: handle()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class ForceSignal:
    """Counts stop signals: the first asks to stop, the second forces it."""

    def __init__(self) -> None:
        self._count = 0

    @property
    def asked(self) -> bool:
        return self._count > 0

    @property
    def forced(self) -> bool:
        return self._count > 1

    @contextmanager
    def installed(self) -> Iterator[ForceSignal]:
        with stop_handler(self._add):
            yield self

    def _add(self) -> None:
        self._count += 1
