"""What another process uses of this machine."""

from __future__ import annotations

import psutil


def resident_mb(pid: int) -> float | None:
    """Memory that a process occupies, in MiB; None when it is gone or may not be inspected."""
    try:
        return float(psutil.Process(pid).memory_info().rss / 2**20)
    except psutil.Error:
        return None


def cpu_seconds(pid: int) -> float | None:
    """Processor time that a process has used; None when it is gone or may not be inspected."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return None
    return float(times.user + times.system)
