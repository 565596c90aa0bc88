"""Memory of a capture process: measured from outside, and limited from inside."""

from __future__ import annotations

import resource

_MIB = 1 << 20
_HARD_FACTOR = 2  # The supervisor notices slow leaks first; this limit stops sudden growth.


def resident_mb(pid: int) -> float | None:
    """Resident memory of a process in MiB; None when it has ended, or without /proc."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return None
    return pages * resource.getpagesize() / _MIB


def limit_own_memory(limit_mb: int) -> None:
    """From now on, this process fails to allocate more than twice ``limit_mb`` instead of exhausting the machine. It
    also writes no core file, which would contain passwords."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _HARD_FACTOR * limit_mb * _MIB
    if hard == resource.RLIM_INFINITY or wanted < hard:
        resource.setrlimit(resource.RLIMIT_AS, (wanted, wanted))
