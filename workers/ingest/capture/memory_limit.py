"""The limit of a capture process's memory, set from inside."""

from __future__ import annotations

import resource

_MIB = 1 << 20
_HARD_FACTOR = 2  # a leak is noticed and told from outside first; this holds what grows faster than anybody looks


def bound_own_memory(limit_mb: int) -> None:
    """From now on, allocating more than twice ``limit_mb`` fails in this process instead of taking the machine's
    memory; and what it holds, passwords included, is never written to a core file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _HARD_FACTOR * limit_mb * _MIB
    if hard == resource.RLIM_INFINITY or wanted < hard:
        resource.setrlimit(resource.RLIMIT_AS, (wanted, wanted))
