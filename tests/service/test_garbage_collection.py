"""Garbage of requests does not pile up where there is too little of it for the collector's own thresholds."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from service.garbage_collection import collect_regularly


class Cycle:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def thresholds_never_reached() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(1_000_000_000, 20, 20)
    yield
    gc.set_threshold(*before)


async def test_a_service_that_has_little_to_do_keeps_no_garbage(thresholds_never_reached: None) -> None:
    collected = asyncio.Event()
    left = weakref.ref(Cycle(), lambda _: collected.set())
    assert left() is not None
    collecting = asyncio.create_task(collect_regularly(every_s=0.01))
    await asyncio.wait_for(collected.wait(), timeout=30)
    collecting.cancel()
