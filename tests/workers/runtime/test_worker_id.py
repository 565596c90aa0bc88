"""An ended process is known as such on its own machine, and no other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

import pytest

from workers.runtime.worker_id import has_ended, new_worker_id

SPEAK_AND_WAIT = "from workers.runtime.worker_id import new_worker_id; print(new_worker_id(), flush=True); input()"


@pytest.fixture
def other() -> Iterator[tuple[subprocess.Popen[str], str]]:
    with subprocess.Popen(
        [sys.executable, "-c", SPEAK_AND_WAIT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.kill()


def test_workers_of_one_process_differ_and_live() -> None:
    first, second = new_worker_id(), new_worker_id()
    assert first != second
    assert not has_ended(first)
    assert not has_ended(second)


def test_a_process_has_ended_once_it_is_killed_even_if_nobody_collects_it(
    other: tuple[subprocess.Popen[str], str],
) -> None:
    process, worker = other
    assert not has_ended(worker)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and not collected
    assert has_ended(worker)
    process.wait()
    assert has_ended(worker)


def test_a_later_process_with_the_same_number_is_another() -> None:
    host, pid, machine, start, nonce = new_worker_id().rsplit("-", 4)
    assert has_ended(f"{host}-{pid}-{machine}-{int(start) - 1}-{nonce}")


def test_nothing_is_said_of_a_worker_on_another_machine() -> None:
    assert not has_ended("elsewhere-999999-0123abcd-1-aaaaaa")
    assert not has_ended("another")
    assert not has_ended("")


def test_asking_again_and_again_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked several times a second, as long as a worker lives: parts of paths must not go through the table of
    interned strings each time, which grows meanwhile."""
    worker, interned = new_worker_id(), list[str]()
    monkeypatch.setattr(sys, "intern", partial(_noted, interned))
    has_ended(worker)
    interned.clear()
    blocks = min(_blocks_left_by(worker) for _ in range(3))
    assert interned == []
    assert blocks < 50


def _blocks_left_by(worker: str) -> int:
    before = sys.getallocatedblocks()
    for _ in range(2000):
        has_ended(worker)
    return sys.getallocatedblocks() - before


def _noted(interned: list[str], text: str) -> str:
    interned.append(text)
    return text
