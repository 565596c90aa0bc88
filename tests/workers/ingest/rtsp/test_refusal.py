"""Refusals in the log."""

from __future__ import annotations

import asyncio
import logging

import pytest

from workers.ingest.rtsp.refusal import RefusalLog


async def test_refusals_are_logged_once_when_they_begin_and_once_when_they_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="patchwatch.ingest")
    refusals = RefusalLog(burst_s=0.05)
    for number in range(1000):
        refusals.record("10.0.0.1", f"reason {number}")
    async with asyncio.timeout(5):
        while refusals._bursts:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert [record.getMessage() for record in caplog.records] == [
        "a publisher at 10.0.0.1 was refused: reason 0",
        "publishers at 10.0.0.1 were refused 999 more times within 0.05 s, the last: reason 999",
    ]


async def test_refusals_of_many_addresses_share_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="patchwatch.ingest")
    refusals = RefusalLog()
    for number in range(1000):
        refusals.record(f"10.0.{number // 250}.{number % 250}", "no")
    refusals.close()
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 34
    assert messages[-1] == "publishers at other addresses were refused 967 more times within 60 s, the last: no"
