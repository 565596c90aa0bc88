"""Frames into the queue, with Redis full, away, and emptied."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import redis

from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import connect
from patchwatch.bus.keys import CameraKeys, LeaseKeys
from patchwatch.contract.errors import LeaseLostError
from patchwatch.local_redis.private_server import private_redis
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage, PrecedingPicture
from workers.ingest.capture.publisher import Publisher, Stopped
from workers.runtime.leases import Lease

KEYS = CameraKeys.for_camera("cam", 16)
LEASE = Lease(LeaseKeys.for_capture("cam", 16), b"me:1")


def frame(seq: int) -> FrameMessage:
    return FrameMessage(seq, seq * 10**9, seq, 64, 48, 64, 48, FrameFlag.LIVE, b"jpeg")


def pause(seconds: float) -> bool:
    time.sleep(min(seconds, 0.005))
    return True


def publisher(
    url: str, lossless: bool = False, pause: Callable[[float], bool] = pause, queue_frames: int = 4
) -> Publisher:
    client = connect(url)
    client.set(LEASE.unit.lease, LEASE.value)
    return Publisher(client, KEYS, LEASE, queue_frames=queue_frames, lossless=lossless, pause=pause)


def seqs(url: str) -> list[int]:
    with connect(url) as client:
        return [int(entry_id.split(b"-")[0]) for entry_id, _ in client.xrange(KEYS.frames)]


def test_a_live_queue_keeps_the_newest(bus_url: str) -> None:
    live = publisher(bus_url)
    live.start()
    assert all(live.publish(frame(live.next_seq())) for _ in range(10))
    assert seqs(bus_url) == [7, 8, 9, 10]


def test_a_queue_of_frames_with_two_pictures_is_half_as_long_and_grows_again(bus_url: str) -> None:
    """What the queue takes of Redis's memory stays the same; nothing that waits is lost at once."""
    live = publisher(bus_url, queue_frames=16)
    live.start()
    lengths = []
    for seq in range(1, 101):
        two = PrecedingPicture(200_000_000, b"jpeg") if 20 < seq <= 60 else None
        assert live.publish(replace(frame(live.next_seq()), preceding=two))
        lengths.append(len(seqs(bus_url)))
    assert lengths[15:20] == [16] * 5
    assert all(0 <= before - after <= 1 for before, after in pairwise(lengths[19:60]))
    assert lengths[59] == 8
    assert lengths[99] == 16


def test_the_sequence_goes_on_where_another_process_stopped(bus_url: str) -> None:
    first = publisher(bus_url)
    first.start()
    for _ in range(3):
        first.publish(frame(first.next_seq()))
    with connect(bus_url) as client:
        client.xtrim(KEYS.frames, maxlen=0, approximate=False)
    second = publisher(bus_url)
    second.start()
    assert second.next_seq() == 4
    third = publisher(bus_url)
    third.start(after_seq=40)
    assert third.next_seq() == 41


def test_the_newest_capture_time_is_known_to_the_next_process(bus_url: str) -> None:
    first = publisher(bus_url)
    first.start()
    assert first.last_captured_ns is None
    first.publish(frame(first.next_seq()))
    second = publisher(bus_url)
    second.start()
    assert second.last_captured_ns == 10**9


def test_a_repeated_frame_is_there_once(bus_url: str) -> None:
    live = publisher(bus_url)
    live.start()
    message = frame(live.next_seq())
    assert live.publish(message)
    assert live.publish(message)
    assert seqs(bus_url) == [1]


def test_a_flushed_queue_goes_on_with_the_next_number(bus_url: str) -> None:
    live = publisher(bus_url)
    live.start()
    live.publish(frame(live.next_seq()))
    with connect(bus_url) as client:
        client.flushall()
        assert not live.publish(frame(live.next_seq()))
        assert live.unpublished == 1
        client.set(LEASE.unit.lease, LEASE.value)  # as the supervisor does
    assert live.publish(frame(live.next_seq()))
    assert seqs(bus_url) == [3]


def test_lossless_frames_wait_for_the_reader_and_none_is_lost(bus_url: str) -> None:
    lossless = publisher(bus_url, lossless=True)
    lossless.start()
    done = threading.Thread(target=lambda: [lossless.publish(frame(lossless.next_seq())) for _ in range(20)])
    done.start()
    seen: list[int] = []
    with connect(bus_url) as client:
        while len(seen) < 20:
            now = seqs(bus_url)
            assert len(now) <= 4
            seen += now
            if now:
                with client.pipeline(transaction=True) as pipe:
                    pipe.hset(KEYS.state, "seq", now[-1])
                    pipe.xtrim(KEYS.frames, minid=f"{now[-1] + 1}-0", approximate=False)
                    pipe.execute()
    done.join(timeout=120)
    assert seen == list(range(1, 21))


def test_lossless_frames_go_on_when_redis_came_back_with_an_older_snapshot(bus_url: str) -> None:
    """The newest committed number stays far behind then, though all frames in the queue are done."""
    lossless = publisher(bus_url, lossless=True)
    with connect(bus_url) as client:
        client.xadd(KEYS.frames, frame(3).encode(), id=frame(3).entry_id)
        client.hset(KEYS.state, "seq", 3)
        lossless.start(after_seq=100)
        assert lossless.publish(frame(lossless.next_seq()))
    assert seqs(bus_url) == [3, 101]


def test_waiting_for_room_ends_when_the_capture_stops(bus_url: str) -> None:
    lossless = publisher(bus_url, lossless=True, pause=lambda _: False)
    lossless.start()
    for _ in range(4):
        lossless.publish(frame(lossless.next_seq()))
    with pytest.raises(Stopped):
        lossless.publish(frame(lossless.next_seq()))


def test_live_frames_are_counted_while_redis_is_away() -> None:
    with private_redis() as url:
        live = publisher(url)
        live.start()
        live.publish(frame(live.next_seq()))
    live._client.connection_pool.disconnect()
    assert not any(live.publish(frame(live.next_seq())) for _ in range(5))
    assert (live.unpublished, live.seq) == (5, 6)


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("another", [b"me:3", b"other:2"])
def test_nothing_is_written_once_another_tenure_has_begun(bus_url: str, another: bytes, lossless: bool) -> None:
    asleep = publisher(bus_url, lossless)
    asleep.start()
    asleep.publish(frame(asleep.next_seq()))
    with connect(bus_url) as client:
        client.set(LEASE.unit.lease, another)
    with pytest.raises(LeaseLostError):
        asleep.publish(frame(asleep.next_seq()))
    assert (seqs(bus_url), asleep.unpublished) == ([1], 0)


def test_a_process_that_falls_asleep_within_writing_writes_nothing(
    bus_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asleep = publisher(bus_url)
    asleep.start()
    honest = Lease.guard

    def long_check(self: Lease, pipe: redis.client.Pipeline) -> None:
        honest(self, pipe)
        with connect(bus_url) as client:  # The lease was ours when it was checked.
            client.set(LEASE.unit.lease, b"other:2")

    monkeypatch.setattr(Lease, "guard", long_check)
    with pytest.raises(LeaseLostError):
        asleep.publish(frame(asleep.next_seq()))
    assert seqs(bus_url) == []


def test_a_renewal_within_writing_costs_no_frame(bus_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    live = publisher(bus_url)
    live.start()
    honest, renewals = Lease.guard, iter(range(3))

    def disturbed(self: Lease, pipe: redis.client.Pipeline) -> None:
        honest(self, pipe)
        if next(renewals, None) is not None:
            with connect(bus_url) as client:
                client.pexpire(LEASE.unit.lease, 5000)

    monkeypatch.setattr(Lease, "guard", disturbed)
    assert live.publish(frame(live.next_seq()))
    assert seqs(bus_url) == [1]


def test_a_live_frame_after_another_is_one_command_which_brings_the_time_along(bus_url: str) -> None:
    clock = BusClock(wall_ns=lambda: 0)
    live = Publisher(connect(bus_url), KEYS, LEASE, queue_frames=4, lossless=False, pause=pause, clock=clock)
    with connect(bus_url) as client:
        client.set(LEASE.unit.lease, LEASE.value)
        live.publish(frame(live.next_seq()))
        assert clock.now_ns() < 10**15
        before: dict[str, Any] = client.info("commandstats")
        for _ in range(3):
            assert live.publish(frame(live.next_seq()))
        after: dict[str, Any] = client.info("commandstats")
    calls = {name: after[name]["calls"] - before.get(name, {"calls": 0})["calls"] for name in after}
    assert calls["cmdstat_eval"] == 3
    assert not any(calls.get(f"cmdstat_{name}") for name in ("watch", "multi", "exec", "mget"))
    assert seqs(bus_url) == [1, 2, 3, 4]
    assert abs(clock.now_ns() - time.time_ns()) < 60 * 10**9


def test_live_frames_are_counted_while_the_lease_has_expired_and_go_on_when_it_comes_back(bus_url: str) -> None:
    live = publisher(bus_url)
    live.start()
    live.publish(frame(live.next_seq()))
    with connect(bus_url) as client:
        client.delete(LEASE.unit.lease)
        assert not live.publish(frame(live.next_seq()))
        client.set(LEASE.unit.lease, LEASE.value)
    assert live.publish(frame(live.next_seq()))
    assert (seqs(bus_url), live.unpublished) == ([1, 3], 1)


def test_an_expired_lease_that_nobody_took_since_still_counts(bus_url: str) -> None:
    live = publisher(bus_url)
    live.start()
    live.publish(frame(live.next_seq()))
    with connect(bus_url) as client:
        client.set(LEASE.unit.fence, 1)
        client.delete(LEASE.unit.lease)
    assert live.publish(frame(live.next_seq()))
    assert (seqs(bus_url), live.unpublished) == ([1, 2], 0)


def test_lossless_frames_wait_for_an_expired_lease_to_come_back(bus_url: str) -> None:
    lossless = publisher(bus_url, lossless=True)
    lossless.start()
    with connect(bus_url) as client:
        client.delete(LEASE.unit.lease)
        done = threading.Thread(target=lambda: lossless.publish(frame(lossless.next_seq())))
        done.start()
        assert seqs(bus_url) == []
        client.set(LEASE.unit.lease, LEASE.value)
    done.join(timeout=120)
    assert seqs(bus_url) == [1]
