"""A worker that hangs is ended; one that works, waits or was stopped as a whole is not."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

from workers.inference.watchdog import Watchdog
from workers.inference.worker import InferenceWorker


def test_a_worker_without_progress_ends() -> None:
    ended = threading.Event()
    dog = Watchdog(lambda: 7, 0.1, tick_s=0.01, end=ended.set)
    dog.start()
    assert ended.wait(120)


def test_a_worker_with_progress_goes_on() -> None:
    ended, ticks = threading.Event(), iter(range(500))
    progress = 0
    dog = Watchdog(lambda: progress, 0.05, tick_s=0.01, end=ended.set)

    def wait(timeout: float | None = None) -> bool:
        """A tick at which there was progress; the last one ends the watch."""
        nonlocal progress
        progress += 1
        return next(ticks, None) is None

    dog._stopped.wait = wait  # type: ignore[method-assign]
    dog.start()
    dog._thread.join(120)
    assert not ended.is_set()


def test_a_worker_makes_progress_while_it_waits_for_frames(settings: Any, until: Any) -> None:
    worker = InferenceWorker(settings)
    thread = threading.Thread(target=worker.run)
    thread.start()
    until(lambda: worker._progress > 5)
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
