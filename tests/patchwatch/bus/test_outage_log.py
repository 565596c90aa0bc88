"""An outage is logged once when it begins and once when it is over."""

from __future__ import annotations

import logging

import pytest

from patchwatch.bus.outage_log import OutageLog


def test_one_line_says_that_redis_is_away_and_one_that_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    outage = OutageLog("scoring waits for it")
    outage.answered()
    for _ in range(3):
        outage.failed(ConnectionError("Redis does not answer"))
        assert outage.away
    for _ in range(3):
        outage.answered()
        assert not outage.away
    assert caplog.messages == ["Redis does not answer; scoring waits for it", "Redis answers again"]
