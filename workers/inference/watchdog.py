"""Ends a worker that hangs: with a stuck device or network, its leases would be renewed and nothing scored."""

from __future__ import annotations

import faulthandler
import logging
import os
import threading
from collections.abc import Callable

HANGS_AFTER_S = 300.0  # beyond any batch: CLIP on a slow processor takes a minute and a half for one
_TICK_S = 1.0
_EXIT = 70  # EX_SOFTWARE of sysexits.h
log = logging.getLogger(__name__)


def end_process() -> None:
    """Write the stacks of all threads to stderr, which show where it hangs, and exit at once.

    An orderly end would hang too. Frames that were not committed are scored again elsewhere.
    """
    faulthandler.dump_traceback(all_threads=True)
    os._exit(_EXIT)


class Watchdog:
    """Calls ``end`` when ``progress`` returned the same number for ``after_s``, by the watchdog's own ticks: a process
    that was stopped as a whole (SIGSTOP) did not hang."""

    def __init__(
        self,
        progress: Callable[[], int],
        after_s: float = HANGS_AFTER_S,
        *,
        tick_s: float = _TICK_S,
        end: Callable[[], None] = end_process,
    ) -> None:
        self._progress = progress
        self._patience = round(after_s / tick_s)
        self._tick_s = tick_s
        self._end = end
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        last, ticks = self._progress(), 0
        while not self._stopped.wait(self._tick_s):
            progress = self._progress()
            ticks = ticks + 1 if progress == last else 0
            last = progress
            if ticks > self._patience:
                log.critical("scoring has hung for %.0f s: this worker ends, others or a new one go on",
                             self._patience * self._tick_s)  # fmt: skip
                self._end()
                return
