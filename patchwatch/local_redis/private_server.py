"""A queue that keeps nothing: for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from patchwatch.local_redis.scratch_folder import scratch_folder
from patchwatch.local_redis.server_process import LONGEST_SOCKET_PATH, ServerProcess
from patchwatch.local_redis.server_program import Program, first_program

_SOCKET = "redis.sock"
_MAX_MEMORY = "512mb"


@contextmanager
def private_redis() -> Iterator[str]:
    """Run a server of our own that keeps nothing; yields its URL.

    A ``valkey-server`` or ``redis-server`` of the PATH, else the one that comes with Patchwatch. Raises
    `ConfigurationError` where there is none, `FatalError` when it does not start.
    """
    program = _program()
    with scratch_folder("queue", LONGEST_SOCKET_PATH - len(f"/{_SOCKET}")) as folder:
        options = ["--save", "", "--appendonly", "no", "--maxmemory", _MAX_MEMORY]
        server = ServerProcess(program, folder, folder / _SOCKET, options)
        server.start()
        try:
            yield server.url
        finally:
            server.kill()  # it keeps nothing, so there is nothing to wait for


@cache
def _program() -> Program:
    """Looked for once: a test run starts a thousand servers."""
    return first_program()
