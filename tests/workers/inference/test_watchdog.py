"""A worker that hangs is ended; one that works, waits or was stopped as a whole is not."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

from workers.inference.watchdog import Watchdog
from workers.inference.worker import InferenceWorker


def test_what_is_never_fed_ends() -> None:
    ended = threading.Event()
    dog = Watchdog(0.1, tick_s=0.01, end=ended.set)
    dog.start()
    assert ended.wait(120)


def test_what_is_fed_goes_on() -> None:
    ended, meals = threading.Event(), iter(range(500))
    dog = Watchdog(0.05, tick_s=0.01, end=ended.set)

    def wait(timeout: float) -> bool:
        """A tick at which there was progress; the last one ends the watch."""
        dog.fed()
        return next(meals, None) is None

    dog._stopped.wait = wait  # type: ignore[method-assign]
    dog.start()
    dog._thread.join(120)
    assert not ended.is_set()


def test_a_worker_feeds_it_while_it_waits_for_frames(settings: Any) -> None:
    worker, fed = InferenceWorker(settings), threading.Semaphore(0)
    worker._watchdog.fed = fed.release  # type: ignore[method-assign]
    thread = threading.Thread(target=worker.run)
    thread.start()
    assert all(fed.acquire(timeout=20) for _ in range(5))
    worker.stop()
    thread.join(120)


def test_the_end_shows_where_every_thread_hangs() -> None:
    code = (
        "import threading\n"
        "from workers.inference.watchdog import end_process\n"
        "def stuck_device():\n    threading.Event().wait()\n"
        "threading.Thread(target=stuck_device, daemon=True).start()\n"
        "end_process()\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 70
    assert "stuck_device" in ended.stderr
