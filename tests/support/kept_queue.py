"""A kept server that crashes, and the programs it may be."""

from __future__ import annotations

from patchwatch.local_redis.kept_server import KeptQueue

BUNDLED, OWN = "_binaries", "/usr"  # in the paths of programs


def crash(queue: KeptQueue) -> None:
    """The server and what watches it end without a word."""
    assert queue._server is not None
    queue._server.kill()
