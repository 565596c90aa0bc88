"""Messages: truncated ones, and those of another version, in every stream and record."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import redis
from fault import Fault
from waiting import wait_until

from patchwatch.bus import keys

Spoil = Callable[[bytes], bytes]


def truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


def newer(data: bytes) -> bytes:
    """The same in a version that nobody knows yet: JSON says so in a field, a binary layout in its first byte."""
    return data.replace(b'"version":1', b'"version":99', 1) if data.startswith(b"{") else b"\x63" + data[1:]


spoilt = pytest.mark.parametrize(
    "spoil",
    [pytest.param(truncated, id="truncated"), pytest.param(newer, id="of a newer version", marks=pytest.mark.long)],
)


@spoilt
def test_a_frame_in_the_queue_is_unreadable(site: Any, fault: Fault, spoil: Spoil) -> None:
    bus, name = site.installation.redis.client, site.installation.keys("gate").frames

    def push_in() -> None:
        """A frame that takes the next number before the capture does."""

        def pushed() -> bool:
            [(entry_id, fields)] = bus.xrevrange(name, count=1)
            number = int(entry_id.split(b"-")[0]) + 1
            try:
                return bool(bus.xadd(name, {b"h": spoil(fields[b"h"]), b"j": fields[b"j"]}, id=f"{number}-0"))
            except redis.ResponseError:  # the capture was quicker
                return False

        wait_until(pushed)

    fault.strike(push_in, hits=["gate"])
    assert fault.row.lost is not None
    assert fault.row.lost["corrupt"] == 1


@spoilt
def test_a_kept_score_is_unreadable(site: Any, fault: Fault, spoil: Spoil) -> None:
    bus, name = site.installation.redis.client, site.installation.keys("gate").scores

    def push_in() -> None:
        [(_, fields)] = bus.xrevrange(name, count=1)
        bus.xadd(name, {b"s": spoil(fields[b"s"]), b"n": fields[b"n"]}, id=f"{time.time_ns() // 1_000_000}-5")

    fault.strike(push_in, hits=["gate"])
    assert len(site.installation.scores("gate")) > 10


@spoilt
def test_an_alert_message_is_unreadable(site: Any, fault: Fault, spoil: Spoil) -> None:
    """The next alert is heard all the same."""
    bus = site.installation.redis.client
    alert = site.alert_of_gate()
    stored = bus.get(keys.alert(alert))
    fault.strike(lambda: bus.xadd(keys.ALERTS, {b"a": spoil(stored)}), hits=["gate"])
    assert site.alert_of_gate() != alert


@spoilt
@pytest.mark.parametrize("record", ["capture", "analysis"])
def test_what_a_worker_says_of_a_camera_is_unreadable(site: Any, fault: Fault, record: str, spoil: Spoil) -> None:
    bus, name = site.installation.redis.client, getattr(site.installation.keys("gate"), record)
    fault.strike(lambda: bus.set(name, spoil(bus.get(name))), hits=["gate"])


@spoilt
def test_the_record_of_another_camera_is_unreadable(site: Any, fault: Fault, spoil: Spoil) -> None:
    bus = site.installation.redis.client

    def add() -> None:
        bus.hset(keys.CAMERAS, "broken", spoil(bus.hget(keys.CAMERAS, "yard")))
        bus.incr(keys.CAMERAS_REVISION)
        fault.until_age(3.0)
        bus.hdel(keys.CAMERAS, "broken")
        bus.incr(keys.CAMERAS_REVISION)

    fault.strike(add, hits=[])


@spoilt
def test_a_worker_restarts_on_a_stored_state_that_is_unreadable(site: Any, fault: Fault, spoil: Spoil) -> None:
    bus, name = site.installation.redis.client, site.installation.keys("gate").state

    def restart() -> None:
        site.installation.roles["inference"].kill()
        bus.hset(name, "worker", spoil(bus.hget(name, "worker")))
        site.installation.roles["inference"].start()

    fault.strike(restart)


@pytest.mark.long
@spoilt
def test_an_enrolment_record_is_unreadable_and_the_next_enrolment_is_done(
    site: Any, fault: Fault, spoil: Spoil
) -> None:
    bus = site.installation.redis.client
    job = site.installation.enrol("yard", site.recording)
    record = bus.hget(keys.ENROLMENT_RECORDS, job["id"])
    bus.hset(keys.ENROLMENT_RECORDS, "0123456789abcdef", spoil(record.replace(job["id"].encode(), b"0123456789abcdef")))
    began_s = time.time()
    try:
        assert site.installation.enrol("yard", site.recording)["state"] == "done"
    finally:
        bus.hdel(keys.ENROLMENT_RECORDS, "0123456789abcdef")
    site.installation.wait_until_ok("yard")
    fault.enter("the next enrolment is `done`", time.time() - began_s)


@spoilt
def test_the_beat_of_a_worker_is_unreadable(site: Any, fault: Fault, spoil: Spoil) -> None:
    bus = site.installation.redis.client

    def overwrite() -> None:
        name = next(iter(bus.scan_iter(keys.worker("enrolment", "*"))))
        bus.set(name, spoil(bus.get(name)), ex=10)
        assert site.installation.http.get("/readyz").is_success
        assert site.installation.http.get("/metrics").is_success

    fault.strike(overwrite, hits=[])
