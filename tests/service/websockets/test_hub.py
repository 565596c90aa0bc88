"""The hub stops reading when nobody is left, whatever Redis does at that moment."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from waiting import PATIENCE_S

from patchwatch.bus import keys
from patchwatch.contract.errors import BusUnavailableError
from service.store.cameras.cameras import CameraStore
from service.store.streams import StreamStore
from service.websockets.client import Client, Topic
from service.websockets.hub import Hub, pause_s


class DeafStreams:
    """Reads for ever; a cancellation is lost to the time limit of the read."""

    def __init__(self, *, answers: bool) -> None:
        self.reading = asyncio.Event()
        self.lost = 0
        self._answers = answers

    async def ends(self, streams: list[str]) -> dict[str, str]:
        return dict.fromkeys(streams, "0-0")

    async def follow(self, *_: Any) -> dict[str, Any]:
        self.reading.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.lost += 1
            if self._answers:
                return {}
            raise BusUnavailableError("Redis does not answer") from None
        raise AssertionError(keys.ALERTS)


@pytest.mark.parametrize("answers", [True, False], ids=["an answer came", "its time was over"])
async def test_the_hub_stops_even_if_its_cancellation_is_lost(answers: bool) -> None:
    streams = DeafStreams(answers=answers)
    hub, client = Hub(cast("StreamStore", streams), cast("CameraStore", None)), Client(Topic.ALERTS, frozenset(), 10)
    reading = await hub.join(client)
    async with asyncio.timeout(PATIENCE_S):
        await streams.reading.wait()
        await hub.leave(client)
    assert (reading.done(), streams.lost) == (True, 1)


def test_the_more_streams_are_read_the_longer_their_entries_gather_up_to_a_limit() -> None:
    pauses = [pause_s(streams) for streams in (1, 100, 2000, 100_000)]
    assert pauses == sorted(pauses)
    assert pauses[0] < 0.001
    assert pauses[2] < pauses[3] < 0.5
