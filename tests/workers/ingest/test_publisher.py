"""Frames into the queue, with Redis full, away, and emptied."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from patchwatch.bus import connect
from patchwatch.bus_server import embedded_redis
from patchwatch.keys import CameraKeys
from patchwatch.messages.frame import FrameFlag, FrameMessage
from workers.ingest.publisher import Publisher, Stopped

KEYS = CameraKeys.of("cam", 16)


def frame(seq: int) -> FrameMessage:
    return FrameMessage(seq, seq * 10**9, seq, 64, 48, 64, 48, FrameFlag.LIVE, b"jpeg")


def pause(seconds: float) -> bool:
    time.sleep(min(seconds, 0.005))
    return True


def publisher(url: str, lossless: bool = False, pause: Callable[[float], bool] = pause) -> Publisher:
    return Publisher(connect(url), KEYS, queue_frames=4, lossless=lossless, pause=pause)


def seqs(url: str) -> list[int]:
    with connect(url) as client:
        return [int(entry_id.split(b"-")[0]) for entry_id, _ in client.xrange(KEYS.frames)]


def test_a_live_queue_keeps_the_newest(bus_url: str) -> None:
    live = publisher(bus_url)
    live.start()
    assert all(live.publish(frame(live.next_seq())) for _ in range(10))
    assert seqs(bus_url) == [7, 8, 9, 10]


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
    assert live.publish(frame(live.next_seq()))
    assert seqs(bus_url) == [2]


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
    done.join(timeout=10)
    assert seen == list(range(1, 21))


def test_waiting_for_room_ends_when_told_to_stop(bus_url: str) -> None:
    lossless = publisher(bus_url, lossless=True, pause=lambda _: False)
    lossless.start()
    for _ in range(4):
        lossless.publish(frame(lossless.next_seq()))
    with pytest.raises(Stopped):
        lossless.publish(frame(lossless.next_seq()))


def test_live_frames_are_counted_while_redis_is_away() -> None:
    with embedded_redis() as url:
        live = publisher(url)
        live.start()
        live.publish(frame(live.next_seq()))
    live._client.connection_pool.disconnect()
    assert not any(live.publish(frame(live.next_seq())) for _ in range(5))
    assert (live.unpublished, live.seq) == (5, 6)
