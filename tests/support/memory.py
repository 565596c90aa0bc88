"""Resident memory of processes over time, and whether it grows."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_EVERY_S = 2.0
_LEAST_SAMPLES = 60  # of a process: two minutes
_MIB = 2.0**20
_Z = 2.58  # 99 %, two-sided


@dataclass(frozen=True)
class Slope:
    """Common growth of all processes of a kind, in MiB a minute, with a 99 % interval."""

    per_minute_mib: float
    low_mib: float
    high_mib: float
    processes: int
    samples: int


class MemoryWatch:
    """Samples all processes that ``pids`` names, by kind. Use as a context manager."""

    def __init__(self, pids: Callable[[], Mapping[str, Iterable[int]]]) -> None:
        self._pids = pids
        self._samples: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory-watch")

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def lives(self, kind: str, *, after_s: float) -> list[np.ndarray]:
        """Per process (samples, 2): seconds and MiB, without what it took to start."""
        result = []
        for (one, _), rows in self._samples.items():
            since_s = rows[0][0] + after_s
            settled = np.array([row for row in rows if row[0] >= since_s])
            if one == kind and len(settled) >= _LEAST_SAMPLES:
                result.append(settled)
        return result

    def peak_mib(self, kind: str) -> float:
        return max((mib for (one, _), rows in self._samples.items() if one == kind for _, mib in rows), default=0.0)

    def _watch(self) -> None:
        while not self._stop.wait(_EVERY_S):
            for kind, pids in self._pids().items():
                for pid in pids:
                    mib = resident_mib(pid)
                    if mib is not None:
                        self._samples[kind, pid].append((time.monotonic(), mib))


def slope(lives: list[np.ndarray], *, memory_s: float = 300.0) -> Slope | None:
    """One slope for all processes, each with a level of its own; None where there is too little to tell.

    The interval allows for errors that hang together over ``memory_s`` (Newey and West, Econometrica 1987): memory
    comes in steps, as of an allocator that takes an arena after a fault and gives it back minutes later.
    """
    if not lives:
        return None
    weight = square = middle = 0.0
    parts = [(life[:, 0] - life[:, 0].mean(), life[:, 1] - life[:, 1].mean()) for life in lives]
    for at, mib in parts:
        weight += float(at @ at)
        middle += float(at @ mib)
    rate = middle / weight
    lags = round(memory_s / _EVERY_S)
    for at, mib in parts:
        pull = at * (mib - rate * at)
        square += float(pull @ pull)
        for lag in range(1, min(lags, len(pull) - 1) + 1):
            square += 2 * (1 - lag / (lags + 1)) * float(pull[lag:] @ pull[:-lag])
    margin = _Z * np.sqrt(max(square, 0.0)) / weight
    a_minute = (60 * rate, 60 * (rate - margin), 60 * (rate + margin))
    per_minute, low, high = (round(float(value), 4) for value in a_minute)
    return Slope(per_minute, low, high, len(lives), sum(map(len, lives)))


def resident_mib(pid: int) -> float | None:
    """What a process holds in memory; None once it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return None
    return pages * 4096 / _MIB


def peak_mib(pid: int) -> float:
    """The most that a process ever held in memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
