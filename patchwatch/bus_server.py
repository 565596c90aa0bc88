"""Redis servers that Patchwatch brings up itself when no URL is given: private, on loopback, forgetting at the end."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from patchwatch.bus import ping
from patchwatch.errors import BusUnavailableError, FatalError

_READY_WITHIN_S = 10.0
_MAX_MEMORY = "512mb"
# Runs a command until standard input ends, so that it does not outlive us even if we are killed outright.
_TIED_TO_STDIN = 'exec 3<&0; "$@" & it=$!; { read -r _ <&3; kill $it; } & watch=$!; wait $it; kill $watch 2>/dev/null'


@contextmanager
def private_redis() -> Iterator[str]:
    """Run a ``redis-server`` of our own on a Unix socket; yields its URL. Keeps nothing on disk."""
    program = shutil.which("redis-server")
    if program is None:
        raise FatalError("redis-server is not on the PATH: install it, or set PATCHWATCH_REDIS_URL")
    with tempfile.TemporaryDirectory(prefix="patchwatch-redis-") as folder:
        socket = Path(folder) / "redis.sock"
        process = subprocess.Popen(
            [
                "/bin/sh", "-c", _TIED_TO_STDIN, "sh",
                program, "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700", "--save", "",
                "--appendonly", "no", "--maxmemory", _MAX_MEMORY, "--maxmemory-policy", "noeviction", "--dir", folder,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,  # a Ctrl-C in the terminal stops the workers first, and Redis last
        )  # fmt: skip
        try:
            url = f"unix://{socket}"
            _wait_until_ready(url, process)
            yield url
        finally:
            process.communicate(timeout=10)  # closes standard input


@contextmanager
def embedded_redis() -> Iterator[str]:
    """Serve fakeredis from this process on a free loopback port; yields its URL. For one machine and a few cameras."""
    from fakeredis import TcpFakeServer

    server = TcpFakeServer(("127.0.0.1", 0), server_type="redis", server_version=(7,))
    server.RequestHandlerClass = _embedded_handler(server.RequestHandlerClass)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="embedded-redis", daemon=True)
    thread.start()
    try:
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def _embedded_handler(base: type[Any]) -> type[Any]:
    class Handler(base):  # type: ignore[misc]  # fakeredis is not typed here
        # Replies of a transaction go out in many small writes: with Nagle's algorithm each commit would take 40 ms.
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            read = self.current_client.read_response

            def read_error_as_a_reply() -> Any:
                """fakeredis ends the connection after an error reply; a real server goes on."""
                try:
                    return read()
                except redis.ResponseError as error:
                    return error

            self.current_client.read_response = read_error_as_a_reply

    return Handler


@contextmanager
def own_redis() -> Iterator[tuple[str, str]]:
    """A private server where ``redis-server`` is on the PATH, else the embedded one; yields (url, what it is)."""
    if shutil.which("redis-server"):
        with private_redis() as url:
            yield url, "private redis-server: nothing persists after this program ends"
    else:
        with embedded_redis() as url:
            yield url, "embedded queue (fakeredis, no redis-server found): nothing persists after this program ends"


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while True:
        try:
            ping(url)
        except BusUnavailableError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise FatalError("the private redis-server did not start: try `redis-server` by hand") from None
            time.sleep(0.01)
        else:
            return
