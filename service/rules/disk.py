"""Checks of the file system, which may never answer: a network share can hang."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from patchwatch.contract.errors import RetryableError

_TIMEOUT_S = 5.0
_MAX_THREADS = 4


class Disk:
    """Runs checks in threads of its own. At most four wait for the disk, however many requests have given up.

    A hanging check delays neither other requests nor the end of the process.
    """

    def __init__(self) -> None:
        self._free_threads = asyncio.Semaphore(_MAX_THREADS)

    async def run(self, check: Callable[[], object]) -> None:
        """Run ``check``. Raises what it raises, and `RetryableError` when it does not end in time."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await self._free_threads.acquire()
                await self._start(check)
        except TimeoutError:
            raise RetryableError(
                f"the media folders did not answer for {_TIMEOUT_S:g} s: are they on a network share that hangs?"
            ) from None

    def _start(self, check: Callable[[], object]) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        result: asyncio.Future[None] = loop.create_future()

        def finish(error: Exception | None) -> None:
            self._free_threads.release()
            if result.cancelled():
                return
            if error is None:
                result.set_result(None)
            else:
                result.set_exception(error)

        def run() -> None:
            failure: Exception | None = None
            try:
                check()
            except Exception as error:  # noqa: BLE001 (border of a thread: the caller gets the error)
                failure = error
            with suppress(RuntimeError):  # the event loop was closed meanwhile
                loop.call_soon_threadsafe(finish, failure)

        threading.Thread(target=run, name="disk", daemon=True).start()
        return result
