"""When Python's garbage collector runs in the service: seldom and short, but not so seldom that garbage piles up."""

from __future__ import annotations

import asyncio
import gc

_YOUNG_EVERY_S = 60.0
_FULL_EVERY = 60  # one in so many


def reduce_collections() -> None:
    """Make Python's full garbage collections rare and short.

    Each stops the process for 60 ms, and with a thousand clients for 200 ms. What is loaded by now stays, so it need
    not be examined again; most garbage of requests is young.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def collect_regularly(every_s: float = _YOUNG_EVERY_S) -> None:
    """Collect young garbage once a minute, and all once an hour, until cancelled.

    By its thresholds alone, a service with little to do would keep the garbage of hours: some megabytes, and for as
    long as they gather nobody could tell them from a leak.
    """
    number = 0
    while True:
        await asyncio.sleep(every_s)
        number += 1
        gc.collect(2 if number % _FULL_EVERY == 0 else 1)
