"""The id of a worker, by which others on the same machine can tell that its process has ended."""

from __future__ import annotations

import hashlib
import os
import socket
import uuid
from functools import cache

_ENDED = ("Z", "X")  # states of a process that has ended, and whose parent has not collected it yet


def new_worker_id() -> str:
    """``HOST-PID-MACHINE-START-NONCE``: unique, also among the workers of one process."""
    pid = os.getpid()
    return f"{socket.gethostname()}-{pid}-{_machine()}-{_started(pid) or 0}-{uuid.uuid4().hex[:6]}"


def has_ended(worker_id: str) -> bool:
    """Whether the process of that worker has certainly ended.

    False also for a process on another machine or in another container, about which nothing is known here.
    """
    try:
        _, pid, machine, start, _ = worker_id.rsplit("-", 4)
        process, started = int(pid), int(start)
    except ValueError:
        return False
    if machine != _machine() or not machine or not started:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # the process exists, and belongs to another user
    now = _started(process)
    return now is not None and now != started


@cache
def _machine() -> str:
    """Identifies this boot of the kernel and this process id namespace; empty where the system has no such names."""
    try:
        boot = _content("/proc/sys/kernel/random/boot_id")
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
    return hashlib.sha256(f"{boot} {namespace}".encode()).hexdigest()[:8]


def _started(pid: int) -> int | None:
    """When a process started, in ticks since boot; 0 if it has ended and was not collected yet, None if unknown.

    psutil offers the start as wall-clock time only, which changes when the clock is set: a living worker would then
    count as ended, and lose its leases.
    """
    try:
        fields = _content(f"/proc/{pid}/stat").rpartition(")")[2].split()
    except OSError:
        return None
    return 0 if fields[0] in _ENDED else int(fields[19])


def _content(path: str) -> str:
    """Of a file of the kernel. Asked for several times a second: a `Path` would enter each part of its name in the
    interpreter's table of interned strings, which grows by a megabyte before it is tidied."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
