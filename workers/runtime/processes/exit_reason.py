"""Why a process of ours ended: native libraries crash without a word, and its parent is who can say what that means."""

from __future__ import annotations

import resource
import signal

_MIB = 1 << 20
_CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGTRAP, signal.SIGFPE)
_NO_MEMORY = "a native library crashed, most often because it got no memory"
_OUT_OF_MEMORY = (
    "killed from outside, most often by the kernel because memory was used up: give the machine or the container more, "
    "or end other programs"
)
_WRONG_PROCESSOR = "this processor lacks an instruction that a library needs: install builds that are made for it"
_HOW_TO_RAISE = "`ulimit -v`, LimitAS= of systemd"


def exit_reason(code: int) -> str:
    """The exit code, or the signal with what usually causes it; with the limit of memory, where one is set, and what to
    do about it."""
    if code >= 0:
        return _with_limit(f"exit code {code}")
    number = -code
    name = f"signal {signal.Signals(number).name}" if number in list(signal.Signals) else f"signal {number}"
    if number in _CRASHES:
        return _with_limit(f"{name}: {_NO_MEMORY}")
    if number == signal.SIGKILL:
        return f"{name}: {_OUT_OF_MEMORY}"
    return f"{name}: {_WRONG_PROCESSOR}" if number == signal.SIGILL else name


def address_space_limit_mb() -> int | None:
    """How much address space this process and its children may have, in MiB; None where it is not limited."""
    limits = [resource.getrlimit(one)[0] for one in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    finite = [limit for limit in limits if limit != resource.RLIM_INFINITY]
    return min(finite) // _MIB if finite else None


def _with_limit(reason: str) -> str:
    limit_mb = address_space_limit_mb()
    if limit_mb is None:
        return reason
    return (
        f"{reason}; its address space is limited to {limit_mb} MB, and it takes several times what it occupies: raise "
        f"that limit ({_HOW_TO_RAISE}), or limit the container's memory instead"
    )
