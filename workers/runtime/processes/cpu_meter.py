"""How much of this machine's processors a process takes, and how many of them there are for us."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path

from workers.runtime.processes.process_usage import cpu_seconds

_MEASURE_EVERY_S = 5.0
_REMEMBER_S = 60.0  # time constant in which what was measured makes room for what is measured
_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container, with control groups of version 2


def available_cores(quota: Path = _QUOTA) -> float:
    """Processors that this process may keep busy: those it may run on, and no more than its container's limit."""
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    try:
        most, period = quota.read_text().split()
        return min(cores, int(most) / int(period)) if most != "max" else cores
    except (OSError, ValueError, ZeroDivisionError):
        return cores  # no such limit is set


class CpuMeter:
    """Measures one process, whenever it is asked and some seconds have passed. ``load``: share of ``cores``.

    Its first seconds do not count: it starts, which says nothing about what follows.
    """

    def __init__(self, pid: int, cores: float) -> None:
        self._pid = pid
        self._cores = cores
        self._measured_s = time.monotonic()
        self._used_s: float | None = None  # at that time
        self.load: float | None = None

    def measure(self) -> float | None:
        """The load, over about the last minute; None while it is not known yet."""
        now_s = time.monotonic()
        passed_s = now_s - self._measured_s
        if passed_s < _MEASURE_EVERY_S:
            return self.load
        used_s, before_s = cpu_seconds(self._pid), self._used_s
        self._measured_s, self._used_s = now_s, used_s
        if used_s is not None and before_s is not None:
            load = max(0.0, used_s - before_s) / passed_s / self._cores
            kept = math.exp(-passed_s / _REMEMBER_S) if self.load is not None else 0.0
            self.load = kept * (self.load or 0.0) + (1 - kept) * load
        return self.load
