"""Questions to the file system, which a network share that hangs never answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from patchwatch.contract.errors import RetryableError

_ANSWERS_WITHIN_S = 5.0
_AT_ONCE = 4


class Disk:
    """Asks in threads of its own, at most four of which wait for the disk, however many requests have given up.

    They keep neither other requests waiting nor the process from ending.
    """

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def ask(self, question: Callable[[], None]) -> None:
        """Run ``question``. Raises what it raises, and `RetryableError` when there is no answer in time."""
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN_S):
                await self._free.acquire()
                await self._answer(question)
        except TimeoutError:
            raise RetryableError(
                f"the media folders did not answer for {_ANSWERS_WITHIN_S:g} s: are they on a network share that hangs?"
            ) from None

    def _answer(self, question: Callable[[], None]) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[None] = loop.create_future()

        def tell(error: Exception | None) -> None:
            self._free.release()
            if answer.cancelled():
                return
            if error is None:
                answer.set_result(None)
            else:
                answer.set_exception(error)

        def run() -> None:
            found: Exception | None = None
            try:
                question()
            except Exception as error:  # noqa: BLE001 (border of a thread: whoever asked is told)
                found = error
            with suppress(RuntimeError):  # the service ended meanwhile
                loop.call_soon_threadsafe(tell, found)

        threading.Thread(target=run, name="disk", daemon=True).start()
        return answer
