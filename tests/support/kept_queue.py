"""A kept server that crashes, and the programs it may be."""

from __future__ import annotations

from waiting import wait_until

from patchwatch.bus.connection import connect
from patchwatch.local_redis.kept_server import KeptQueue

BUNDLED, OWN = "_binaries", "/usr"  # in the paths of programs


def crash(queue: KeptQueue) -> None:
    """The server and what watches it end without a word, once what it answered is with the operating system: while the
    disk is busy, it holds writes back for up to two seconds."""
    assert queue._server is not None
    with connect(queue.url) as client:
        wait_until(lambda: client.info("persistence")["aof_buffer_length"] == 0)
    queue._server.kill()
