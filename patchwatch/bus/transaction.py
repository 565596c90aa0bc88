"""Optimistic transactions: WATCH, read, MULTI, EXEC, tried again when another client changed what was watched.

The ``transaction`` method of redis-py does the same, but without a limit: a key that others change all the time would
hold its caller for ever.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from redis import WatchError

from patchwatch.contract.errors import ContentionError

TRIES = 8  # a lease is renewed twice a second, which disturbs a transaction: two disturbances in a row are rare

T = TypeVar("T")


def transact(
    client: Any, attempt: Callable[[Any], T], *watched: str, subject: str = "the record", tries: int = TRIES
) -> T:
    """Run ``attempt(pipe)`` and execute what it queued: all of it, or nothing.

    ``attempt`` may watch more keys and read through ``pipe``; then it calls ``pipe.multi()`` and queues its writes, if
    there are any. It runs again, on a new pipeline, when a watched key has changed meanwhile, so it must not change
    anything else. Returns what it returned last. Raises what it raises, redis-py's errors, and `ContentionError` naming
    the ``subject`` after so many ``tries``.
    """
    for _ in range(tries):
        with client.pipeline(transaction=True) as pipe:
            try:
                if watched:
                    pipe.watch(*watched)
                result = attempt(pipe)
                pipe.execute()
            except WatchError:
                continue
            return result
    raise _contention(subject)


async def transact_async(
    client: Any, attempt: Callable[[Any], Awaitable[T]], *watched: str, subject: str = "the record", tries: int = TRIES
) -> T:
    """As `transact`, with an asyncio client."""
    for _ in range(tries):
        async with client.pipeline(transaction=True) as pipe:
            try:
                if watched:
                    await pipe.watch(*watched)
                result = await attempt(pipe)
                await pipe.execute()
            except WatchError:
                continue
            return result
    raise _contention(subject)


def _contention(subject: str) -> ContentionError:
    return ContentionError(f"others change {subject} too often for this change to get through: try again")
