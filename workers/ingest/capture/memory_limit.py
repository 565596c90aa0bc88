"""The limit of a capture process's memory, set from inside."""

from __future__ import annotations

import resource

_MIB = 1 << 20
_HARD_FACTOR = 2  # The supervisor notices slow leaks first; this limit stops sudden growth.


def limit_own_memory(limit_mb: int) -> None:
    """From now on, this process fails to allocate more than twice ``limit_mb`` instead of exhausting the machine. It
    also writes no core file, which would contain passwords."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _HARD_FACTOR * limit_mb * _MIB
    if hard == resource.RLIM_INFINITY or wanted < hard:
        resource.setrlimit(resource.RLIMIT_AS, (wanted, wanted))
