"""An ordinary frame enters few files of ours on its way from the queue to its committed score, and makes few calls.

As `bench.trace` counts them, which counts the capture's side too; docs/decisions/048-way-of-a-frame.md.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from statistics import median
from types import FrameType
from typing import Any

from workers.inference.worker import InferenceWorker

Run = Callable[..., Any]
ROOT = Path(__file__).parents[3]
ROOMS = tuple(f"{ROOT / room}/" for room in ("models", "patchwatch", "service", "workers"))
SETTLED = 30  # frames, after which nothing is done for the first time
FRAMES = 50
MOST_FILES, MOST_CALLS = 29, 380


class Turns:
    """What each of a worker's turns that took a frame enters, but for what it does once a second beside the frames."""

    def __init__(self) -> None:
        self.entered: list[list[str]] = []
        self._calls: list[str] = []
        self._depth = self._poll_at = 0

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event not in ("call", "return") or not code.co_filename.startswith(ROOMS):
            return
        if event == "return":
            self._poll_at = 0 if self._depth == self._poll_at else self._poll_at
            self._depth -= 1
            if code is InferenceWorker._turn.__code__:
                self._end_turn()
            return
        self._depth += 1
        if not self._poll_at and code is InferenceWorker._poll.__code__:
            self._poll_at = self._depth
        if not self._poll_at:
            self._calls.append(f"{code.co_filename}:{code.co_name}")

    def _end_turn(self) -> None:
        if any(call.endswith("commit.py:commit") for call in self._calls):
            self.entered.append(self._calls)
        self._calls = []


def test_an_ordinary_frame_enters_few_files_in_few_calls(enrolled: Any, run_worker: Run, until: Run) -> None:
    turns = Turns()
    profiled = InferenceWorker.run

    def run(self: InferenceWorker) -> None:
        sys.setprofile(turns)
        try:
            profiled(self)
        finally:
            sys.setprofile(None)

    worker = InferenceWorker(enrolled.settings)
    thread = threading.Thread(target=run, args=(worker,))
    thread.start()
    try:
        for n in range(FRAMES):
            enrolled.frame(n)
            until(lambda n=n: enrolled.scored() == n + 1)
    finally:
        worker.stop()
        thread.join()
    ordinary = turns.entered[SETTLED:]
    files = {call.split(":")[0].removeprefix(f"{ROOT}/") for turn in ordinary for call in turn}
    assert len(files) <= MOST_FILES, sorted(files)
    assert median(map(len, ordinary)) <= MOST_CALLS
    assert not [file for file in files if "/recording/" in file or "explanation" in file]
