"""Cameras pass from worker to worker, in order or not, and each frame is scored once, as by one undisturbed worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle, pairwise
from typing import Any

import pytest

from models.banks.bank import Bank
from models.banks.bank_file import save_bank
from patchwatch.bus import keys
from patchwatch.bus.keys import LeaseKeys, partition_of
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.frames.score import Score
from workers.analysis.engine_loader import load_engine
from workers.inference import engine_cache
from workers.inference.worker import InferenceWorker

Run = Callable[..., Any]
RUSH = range(50, 65)
FRAMES = 110
CUTS = [0, 20, 48, 53, 56, 60, 64, 80, FRAMES]  # hand-overs before, within and after an event


def scores(queue: Any) -> list[Score]:
    return [Score.decode(fields) for _, fields in queue.client.xrange(queue.keys.scores)]


def alerts(queue: Any) -> list[Alert]:
    """Every change of every alert, in order."""
    return [Alert.decode(fields[b"a"]) for _, fields in queue.client.xrange(keys.ALERTS)]


def feed(queue: Any, frames: range) -> None:
    for n in frames:
        queue.frame(n, rush=n in RUSH)


def erase_results(queue: Any) -> None:
    queue.client.delete(*queue.keys.all, keys.ALERTS, keys.ALERTS_BY_TIME)


def test_workers_that_hand_a_camera_back_and_forth_score_as_one_undisturbed_worker(
    enrolled: Any, run_worker: Run, until: Run
) -> None:
    unit = LeaseKeys.for_partition(enrolled.keys.partition)
    feed(enrolled, range(FRAMES))
    with run_worker(enrolled.settings):
        until(lambda: enrolled.scored() == FRAMES)
    alone, told_alone = scores(enrolled), alerts(enrolled)
    erase_results(enrolled)
    owners = set()
    with run_worker(enrolled.settings) as first, run_worker(enrolled.settings) as second:
        for (start, stop), heir in zip(pairwise(CUTS), cycle([second, first]), strict=False):
            feed(enrolled, range(start, stop))
            owners.add(until(lambda heir=heir: heir._leases.claim(unit)))  # with frames in the queue and in hand
        until(lambda: enrolled.scored() == FRAMES)
    assert len(owners) == len(CUTS) - 1
    assert [score.seq for score in scores(enrolled)] == list(range(1, FRAMES + 1))
    assert [score.score for score in scores(enrolled)] == pytest.approx([score.score for score in alone], abs=1e-5)
    assert [score.raw for score in scores(enrolled)] == pytest.approx([score.raw for score in alone], abs=1e-5)
    assert [(alert.id, alert.state) for alert in alerts(enrolled)] == [(one.id, one.state) for one in told_alone]
    assert enrolled.counters() == {"scored": FRAMES}


def add_camera_elsewhere(queue: Any) -> None:
    """A second camera, in the other of two partitions."""
    others = (f"cam{n}" for n in range(100))
    name = next(n for n in others if partition_of(n, 2) != queue.keys.partition)
    queue.client.hset(keys.CAMERAS, name, Camera(id=name, source="push:").encode())
    queue.client.incr(keys.CAMERAS_REVISION)


def cameras_of(worker: InferenceWorker) -> set[str]:
    return set(worker._cameras.states)


def test_a_worker_that_joins_gets_its_share_and_gives_it_back_when_it_leaves(
    enrolled: Any, run_worker: Run, until: Run
) -> None:
    add_camera_elsewhere(enrolled)
    with run_worker(enrolled.settings) as first:
        until(lambda: len(cameras_of(first)) == 2)
        with run_worker(enrolled.settings) as second:
            until(lambda: len(cameras_of(first)) == len(cameras_of(second)) == 1)
            assert cameras_of(first) != cameras_of(second)
        until(lambda: len(cameras_of(first)) == 2)


def test_a_worker_takes_no_camera_from_another_before_its_networks_are_ready(
    enrolled: Any, run_worker: Run, until: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_camera_elsewhere(enrolled)
    ready, waits = threading.Event(), threading.Event()
    with run_worker(enrolled.settings) as first:
        until(lambda: len(cameras_of(first)) == 2)
        load = load_engine

        def load_slowly(settings: Settings, profile: str) -> Any:
            waits.set()
            assert ready.wait(20)
            return load(settings, profile)

        monkeypatch.setattr(engine_cache, "load_engine", load_slowly)
        with run_worker(enrolled.settings) as second:
            assert waits.wait(20)
            turns: list[int] = []
            has_others = second._leases.has_others

            def counted() -> bool:
                turns.append(1)
                return bool(has_others())

            monkeypatch.setattr(second._leases, "has_others", counted)
            until(lambda: len(turns) > 3)  # it has looked several times
            assert cameras_of(second) == set()
            assert not second._leases.owned
            assert len(cameras_of(first)) == 2
            ready.set()
            until(lambda: len(cameras_of(second)) == 1)


def test_a_worker_that_is_alone_takes_its_cameras_while_the_networks_load(
    enrolled: Any, run_worker: Run, until: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = threading.Event()
    load = load_engine
    monkeypatch.setattr(engine_cache, "load_engine", lambda *known: ready.wait(20) and load(*known))
    feed(enrolled, range(10))
    with run_worker(enrolled.settings) as only:
        until(lambda: cameras_of(only) == {"cam"})
        assert enrolled.scored() == 0
        ready.set()
        until(lambda: enrolled.scored() == 10)


def test_a_camera_added_later_is_taken_by_the_idle_one(enrolled: Any, run_worker: Run, until: Run) -> None:
    with run_worker(enrolled.settings) as first, run_worker(enrolled.settings) as second:
        busy, idle = until(lambda: _busy_and_idle(first, second))
        add_camera_elsewhere(enrolled)
        until(lambda: len(cameras_of(idle)) == 1)
        assert cameras_of(busy) == {"cam"}


def _busy_and_idle(first: Any, second: Any) -> tuple[Any, Any] | None:
    counts = len(cameras_of(first)), len(cameras_of(second))
    return {(1, 0): (first, second), (0, 1): (second, first)}.get(counts)


@contextmanager
def worker_process(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    assert settings.redis_url
    environment = os.environ | {
        "PATCHWATCH_REDIS_URL": settings.redis_url.get_secret_value(),
        "PATCHWATCH_DATA_DIR": str(settings.data_dir),
        "PATCHWATCH_PARTITIONS": str(settings.partitions),
    }
    process = subprocess.Popen([sys.executable, "-P", "-m", "patchwatch", "run", "inference"], env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def owner_pid(enrolled: Any) -> Callable[[], int]:
    """Process that holds the camera's partition; 0 for none."""

    def found() -> int:
        value = enrolled.client.get(keys.lease(enrolled.keys.partition))
        return int(value.decode().rsplit("-", 4)[1]) if value else 0

    return found


def test_a_killed_worker_is_followed_by_another(enrolled: Any, until: Run, owner_pid: Callable[[], int]) -> None:
    with worker_process(enrolled.settings) as one, worker_process(enrolled.settings) as other:
        feed(enrolled, range(20))
        until(lambda: enrolled.scored() == 20)
        killed = one if owner_pid() == one.pid else other
        killed.kill()
        feed(enrolled, range(20, 40))
        until(lambda: enrolled.scored() == 40)
        assert owner_pid() not in (0, killed.pid)
    assert [score.seq for score in scores(enrolled)] == list(range(1, 41))


def test_workers_that_are_stopped_and_woken_repeat_and_lose_nothing(
    enrolled: Any, bank: Bank, until: Run, owner_pid: Callable[[], int], run_worker: Run
) -> None:
    done = 0
    with worker_process(enrolled.settings) as one, worker_process(enrolled.settings) as other:
        for _ in range(2):
            feed(enrolled, range(done, done + 50))
            until(lambda done=done: enrolled.scored() > done + 5)
            asleep = owner_pid()
            os.kill(asleep, signal.SIGSTOP)  # in the middle of its work
            until(lambda asleep=asleep: owner_pid() not in (0, asleep))
            os.kill(asleep, signal.SIGCONT)  # it may have a batch in hand, and owns nothing
            done += 50
            until(lambda done=done: enrolled.scored() == done)
        assert one.poll() is None
        assert other.poll() is None
    result = scores(enrolled)
    assert [score.seq for score in result] == list(range(1, 101))
    assert enrolled.counters() == {"scored": 100}
    erase_results(enrolled)
    save_bank(bank, enrolled.settings.bank_path("cam", "motion"))
    feed(enrolled, range(100))
    with run_worker(enrolled.settings):
        until(lambda: enrolled.scored() == 100)
    assert [score.score for score in result] == pytest.approx([score.score for score in scores(enrolled)], abs=1e-5)
