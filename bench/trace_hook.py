"""Writes down every call of a function of ours, in every process that starts with it: `bench.trace` puts it on
PYTHONPATH as ``sitecustomize.py``. Standard library only, and nothing of ours.

One file per process, ``PYTHONTRACE_INTO/PID``: first how it was started (JSON), then a line ``c NUMBER
FILE:FUNCTION:LINE`` for each function met, and ``THREAD DEPTH NUMBER NANOSECONDS`` for each call; depth counts
functions of ours alone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

_FLUSH_EVERY_NS = 200_000_000  # processes end without a word


class Tracer:
    """Profiles all threads that begin from now on, and the one that makes it."""

    def __init__(self, folder: Path, rooms: tuple[str, ...]) -> None:
        self._rooms = rooms
        self._numbers: dict[CodeType, int | None] = {}
        self._depths: dict[int, int] = {}
        self._lines: list[str] = []
        self._flush_ns = 0
        self._out = (folder / str(os.getpid())).open("w")
        self._lines.append(json.dumps({"argv": sys.orig_argv, "pid": os.getpid(), "parent": os.getppid()}) + "\n")

    def begin(self) -> None:
        threading.setprofile(self._event)
        sys.setprofile(self._event)

    def _event(self, frame: FrameType, event: str, _: Any) -> None:
        if event not in ("call", "return"):
            return
        code = frame.f_code
        number = self._numbers[code] if code in self._numbers else self._meet(code)
        if number is None:
            return
        thread = threading.get_native_id()
        depth = self._depths.get(thread, 0) + (1 if event == "call" else -1)
        self._depths[thread] = max(0, depth)
        if event == "call":
            now_ns = time.monotonic_ns()
            self._lines.append(f"{thread} {depth} {number} {now_ns}\n")
            if now_ns > self._flush_ns:
                self._flush_ns = now_ns + _FLUSH_EVERY_NS
                self._flush()

    def _meet(self, code: CodeType) -> int | None:
        """The number of a function; None where it is not of ours."""
        room = next((room for room in self._rooms if code.co_filename.startswith(room)), None)
        number = None if room is None else len(self._numbers)
        self._numbers[code] = number
        if room is not None:
            name = os.path.relpath(code.co_filename, os.path.dirname(room.rstrip("/")))
            self._lines.append(f"c {number} {name}:{code.co_qualname}:{code.co_firstlineno}\n")
        return number

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        self._out.write("".join(lines))
        self._out.flush()


if "PYTHONTRACE_INTO" in os.environ:
    Tracer(Path(os.environ["PYTHONTRACE_INTO"]), tuple(os.environ["PYTHONTRACE_ROOMS"].split(":"))).begin()
