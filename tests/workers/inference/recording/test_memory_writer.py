"""The writer of memories never makes anybody wait: what it cannot store is dropped, counted and told once."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stretches import IDENTITY, START_MS, small_stretch
from waiting import wait_until

from models.memory import store as store_module
from models.memory.store import MemoryStore
from models.memory.stretches.stretch import Stretch
from workers.inference.recording import memory_writer as writer_module
from workers.inference.recording.memory_writer import MemoryWriter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "memory" / "cam" / "scene"


@pytest.fixture
def writer() -> Iterator[MemoryWriter]:
    writer = MemoryWriter(1.0)
    yield writer
    writer.stop()


def stretches(count: int) -> list[Stretch]:
    return [small_stretch(seed=n, started_ms=START_MS + n * 60_000) for n in range(count)]


def test_what_is_stored_is_known_and_on_disk(writer: MemoryWriter, folder: Path) -> None:
    assert writer.remembered(folder) is None
    writer.look_up(folder, IDENTITY.fingerprint)
    for stretch in stretches(3):
        writer.store(folder, stretch)
    writer.stop()
    known, infos = writer.remembered(folder), MemoryStore(folder, 1.0).infos()
    assert (writer.written, len(infos)) == (3, 3)
    assert known is not None
    assert known.seconds == pytest.approx(sum(info.seconds for info in infos))
    assert (known.newest_ms, known.bytes) == (START_MS + 120_000, sum(info.bytes for info in infos))


def test_stretches_of_other_networks_do_not_count_and_are_told(
    writer: MemoryWriter, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    MemoryStore(folder, 1.0).append(small_stretch())
    writer.look_up(folder, "f" * 16)
    writer.stop()
    known = writer.remembered(folder)
    assert known is not None
    assert (known.seconds, known.newest_ms) == (0.0, 0)
    assert "1 of 1 stretches of normal were made with other weights or options" in caplog.text


def test_a_slow_disk_costs_stretches_and_no_time(
    writer: MemoryWriter, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    go_on, entered, honest = threading.Event(), threading.Event(), MemoryStore.append

    def slow(self: MemoryStore, stretch: Stretch) -> Any:
        entered.set()
        assert go_on.wait(60)
        return honest(self, stretch)

    monkeypatch.setattr(MemoryStore, "append", slow)
    waiting = writer_module._MOST_WAITING
    for stretch in stretches(1):
        writer.store(folder, stretch)
    assert entered.wait(60)
    for stretch in stretches(waiting + 5):
        writer.store(folder, stretch)
    assert writer.dropped == {"queue_full": 5}
    assert caplog.text.count("normal is not remembered (queue_full)") == 1
    go_on.set()
    wait_until(lambda: writer.written == waiting + 1)


def test_a_full_disk_is_counted_told_once_and_survived(
    writer: MemoryWriter, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(store_module, "put_in_place", full)
        for stretch in stretches(3):
            writer.store(folder, stretch)
        wait_until(lambda: writer.dropped["disk"] == 3)
    assert caplog.text.count("No space left on device") == 1
    assert "make room" in caplog.text
    writer.store(folder, small_stretch())
    wait_until(lambda: writer.written == 1)


def test_a_stretch_that_no_budget_holds_and_an_unforeseen_error_are_counted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    writer = MemoryWriter(0.0001)
    writer.store(folder, small_stretch())
    wait_until(lambda: writer.dropped["too_large"] == 1)
    monkeypatch.setattr(MemoryStore, "append", lambda *_: 1 // 0)
    with caplog.at_level(logging.ERROR):
        writer.store(folder, small_stretch())
        wait_until(lambda: writer.dropped["failed"] == 1)
    assert "ZeroDivisionError" in caplog.text
    writer.stop()


def test_erasing_comes_after_what_was_to_be_stored_before(writer: MemoryWriter, folder: Path) -> None:
    other = folder.parent.parent / "other" / "scene"
    writer.store(other, small_stretch())
    for stretch in stretches(5):
        writer.store(folder, stretch)
    writer.erase(folder.parent)
    writer.stop()
    assert not folder.parent.exists()
    assert writer.remembered(folder) is None
    assert len(MemoryStore(other, 1.0).infos()) == 1


def test_what_did_not_fit_the_queue_is_forgotten_and_not_what_another_thread_gave_meanwhile(
    writer: MemoryWriter, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, taken = stretches(2)
    monkeypatch.setattr(writer, "_put", lambda job: True)
    writer.store(folder, taken)

    def full_while_another_comes(job: Any) -> bool:
        monkeypatch.setattr(writer, "_put", lambda job: True)
        writer.store(folder, taken)
        return False

    monkeypatch.setattr(writer, "_put", full_while_another_comes)
    writer.store(folder, refused)
    assert [stretch is taken for stretch in writer.unwritten(folder)] == [True, True]
    assert writer.dropped == {"queue_full": 1}
