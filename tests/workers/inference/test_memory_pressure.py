"""A Redis that is full to its last byte comes back to work by itself."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import redis

from patchwatch.bus.keys import CameraKeys, LeaseKeys
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage
from workers.inference.scoring import Scorer
from workers.ingest.capture.publisher import Publisher
from workers.runtime.leases import Lease

START_MS = 1_800_000_000_000


def fill(client: redis.Redis) -> None:
    """No write is taken any more."""
    client.config_set("maxmemory", client.info("memory")["used_memory"] - 1)
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        client.set("another", b"x")


def test_commits_that_redis_is_too_full_for_go_through_in_the_end(
    enrolled: Any, run_worker: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lossless frames: nobody but the inference worker can free anything, and its commits are refused."""
    score, may_score = Scorer.score, threading.Event()

    def held_up(scorer: Scorer, taken: Any) -> Any:
        assert may_score.wait(120)
        return score(scorer, taken)

    monkeypatch.setattr(Scorer, "score", held_up)
    may_score.set()
    with enrolled.client.pipeline() as pipe:
        for n in range(20_000):  # scores of the hours before, which may go
            pipe.xadd(enrolled.keys.scores, {"s": b"x" * 100}, id=f"{START_MS - 5 * 3_600_000 + n * 200}-0")
        pipe.execute()
    with run_worker(enrolled.settings.changed(evidence=False)):  # else scored frames go first, and are enough
        for n in range(20):
            enrolled.frame(n)
        until(lambda: enrolled.scored() == 20)
        may_score.clear()
        for n in range(20, 40):
            enrolled.frame(n)
        fill(enrolled.client)
        may_score.set()
        until(lambda: enrolled.scored() == 40)
    assert enrolled.counters() == {"scored": 40}
    assert 0 < enrolled.client.xlen(enrolled.keys.scores) < 20_040


def test_a_live_camera_shortens_its_queue_until_redis_takes_frames_again(bus_url: str) -> None:
    of, lease = CameraKeys.for_camera("cam", 1), Lease(LeaseKeys.for_capture("cam", 1), b"me:1")
    with redis.Redis.from_url(bus_url) as client:
        client.set(lease.unit.lease, lease.value)
        live = Publisher(client, of, lease, queue_frames=64, lossless=False, pause=lambda _: True)
        live.start()

        def publish() -> bool:
            seq = live.next_seq()
            return live.publish(FrameMessage(seq, seq, seq, 64, 48, 64, 48, FrameFlag.LIVE, b"x" * 20_000))

        assert all(publish() for _ in range(64))
        fill(client)
        assert not publish()
        assert publish()
        assert (live.unpublished, client.xlen(of.frames)) == (1, 32)
        client.config_set("maxmemory", "64mb")
        assert all(publish() for _ in range(40))
        assert client.xlen(of.frames) == 64
