from __future__ import annotations

import logging

import pytest

from service.http.log_limit import LogLimit


def test_a_line_that_clients_can_repeat_is_logged_a_few_times_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now_s = 0.0
    log = logging.getLogger("test-log-limit")
    log.addFilter(LogLimit(lambda: now_s))
    for number in range(100):
        log.warning("client %d is odd", number)
    log.warning("another line")
    assert len(caplog.messages) == 6
    assert caplog.messages[4] == "client 4 is odd (more of these are left out for a minute)"
    now_s = 61.0
    caplog.clear()
    for number in range(100):
        log.warning("client %d is odd", number)
    assert len(caplog.messages) == 5
