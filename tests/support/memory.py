"""Memory of processes over time: what is resident, and what is in use (see `memory_probe/sitecustomize.py`)."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PROBE = Path(__file__).parent / "memory_probe"
Life = NDArray[np.float64]  # (samples, 2): age of the process in seconds, MiB
_EVERY_S = 2.0
_MINUTE_S = 60.0
_START_S = 60.0  # of a process: loading is over by then
_LEAST_SAMPLES = 10  # in a minute, for its lowest to count
_MIB = 2.0**20


def probed(folder: Path) -> dict[str, str]:
    """What to add to the environment of processes whose memory in use is to be written down in ``folder``."""
    return {"PYTHONPATH": str(PROBE), "PYTHON_MEMORY_PROBE": str(folder)}


class MemoryWatch:
    """Samples all processes that ``pids`` names, by kind. Use as a context manager.

    ``folder``: where those that were started with `probed` write what they have in use.
    """

    def __init__(self, pids: Callable[[], Mapping[str, Iterable[int]]], folder: Path) -> None:
        self._pids = pids
        self._folder = folder
        self._samples: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory-watch")

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def resident(self, kind: str) -> list[Life]:
        """Of each process, the least of each minute."""
        return [minute_lows(aged(rows)) for (one, _), rows in self._samples.items() if one == kind]

    def in_use(self, kind: str) -> list[Life]:
        """As `resident`, of what each process had allocated and not freed."""
        files = [self._folder / str(pid) for one, pid in self._samples if one == kind]
        return [minute_lows(aged(rows)) for path in files if path.exists() and (rows := _written(path))]

    def peak_mib(self, kind: str) -> float:
        return max((mib for (one, _), rows in self._samples.items() if one == kind for _, mib in rows), default=0.0)

    def _watch(self) -> None:
        while not self._stop.wait(_EVERY_S):
            for kind, pids in self._pids().items():
                for pid in pids:
                    mib = resident_mib(pid)
                    if mib is not None:
                        self._samples[kind, pid].append((time.monotonic(), mib))


def aged(rows: list[tuple[float, float]]) -> Life:
    """Samples by the age of their process, the first of which was taken at its start; what it took to start is left
    out."""
    life = np.array(rows, np.float64).reshape(-1, 2)
    life[:, 0] -= life[0, 0] if len(life) else 0.0
    return life[life[:, 0] >= _START_S]


def minute_lows(life: Life) -> Life:
    """The least of each minute: buffers come and go within seconds, and what leaks is there all the time."""
    minutes = (life[:, 0] // _MINUTE_S).astype(int)
    parts = [life[minutes == minute] for minute in np.unique(minutes)]
    rows = [(part[:, 0].mean(), part[:, 1].min()) for part in parts if len(part) >= _LEAST_SAMPLES]
    return np.array(rows, np.float64).reshape(-1, 2)


def resident_mib(pid: int) -> float | None:
    """What a process holds in memory, without pages of files, which it maps and the system may let go; None once it is
    gone."""
    try:
        _, resident, of_files, *_ = map(int, Path(f"/proc/{pid}/statm").read_text().split())
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return (resident - of_files) * 4096 / _MIB


def peak_mib(pid: int) -> float:
    """The most that a process ever held in memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def _written(path: Path) -> list[tuple[float, float]]:
    """A killed process may have left half a line."""
    parts = [line.split() for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [(float(at_s), int(in_use) / _MIB) for at_s, in_use in parts]
