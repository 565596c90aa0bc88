"""Memory of a capture process: seen from outside, and bounded from inside."""

from __future__ import annotations

import resource
from pathlib import Path

_MIB = 1 << 20
_HARD_FACTOR = 2  # a leak is noticed and told from outside first; this holds what grows faster than anybody looks


def resident_mb(pid: int) -> float | None:
    """Memory a process occupies, in MiB; None when it is gone, or where there is no /proc."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return None
    return pages * resource.getpagesize() / _MIB


def bound_own_memory(limit_mb: int) -> None:
    """From now on, allocating more than twice ``limit_mb`` fails in this process instead of taking the machine's
    memory; and what it holds, passwords included, is never written to a core file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _HARD_FACTOR * limit_mb * _MIB
    if hard == resource.RLIM_INFINITY or wanted < hard:
        resource.setrlimit(resource.RLIMIT_AS, (wanted, wanted))
