"""A Redis or Valkey server as a child process on a Unix socket. It ends with us, however we end."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import redis

from patchwatch.bus.connection import connect
from patchwatch.contract.child_environment import bare_environment
from patchwatch.contract.errors import FatalError
from patchwatch.contract.process_group import kill_group
from patchwatch.local_redis.server_program import Program

LONGEST_SOCKET_PATH = 100  # bytes; systems allow 104 to 108
_READY_WITHIN_S = 15.0
_LOADED_WITHIN_S = 600.0  # a large file on disk takes its time to load
_STOPPED_WITHIN_S = 30.0
_ANSWERS_WITHIN_S = 1.0
POLL_S = 0.01
_LOG_END_BYTES = 4000
# Runs a command until standard input ends, so that it does not outlive us even if we are killed outright.
_TIED_TO_STDIN = 'exec 3<&0; "$@" & it=$!; { read -r _ <&3; kill $it; } & watch=$!; wait $it; kill $watch 2>/dev/null'


class ServerStartError(FatalError):
    """The server did not come up; the message holds the end of its log."""

    code = "queue-start"


class ServerProcess:
    """One server. ``folder`` takes its socket, its log and whatever ``options`` make it keep; the
    caller sees to mode 0700. ``inherited``: descriptors that it shall hold open as long as it runs."""

    def __init__(
        self, program: Program, folder: Path, socket: Path, options: Sequence[str], inherited: Sequence[int] = ()
    ) -> None:
        self.program = program
        self.socket = socket
        self._folder = folder
        self._options = tuple(options)
        self._inherited = tuple(inherited)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Returns once it answers and has loaded its data. Raises `ServerStartError`."""
        for _ in self.starting():
            time.sleep(POLL_S)

    def starting(self) -> Iterator[None]:
        """As `start`, in short steps. Closing the iterator before its end kills the server."""
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _TIED_TO_STDIN, "sh", *self._command()],
                stdin=subprocess.PIPE, stdout=log, stderr=log, umask=0o077, pass_fds=self._inherited,
                env=bare_environment(),
                process_group=0,  # a Ctrl-C in the terminal stops the workers first, and the queue last
            )  # fmt: skip
        try:
            yield from self._until_ready()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Ask the server to save and to end; kill it if it does not."""
        if self._process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.communicate(timeout=_STOPPED_WITHIN_S)  # closes standard input
        self.kill()

    def kill(self) -> None:
        """End it at once, and everything it started."""
        if self._process is None:
            return
        kill_group(self._process)
        self._process = None

    def log_tail(self) -> str:
        """The end of its log, in one line."""
        try:
            text = self._log_file.read_bytes()[-_LOG_END_BYTES:].decode(errors="replace")
        except OSError:
            return ""
        return "; ".join(_message(line) for line in text.splitlines()[-3:] if line.strip())

    @property
    def _log_file(self) -> Path:
        return self._folder / "server.log"

    def _command(self) -> list[str]:
        return [
            str(self.program.path), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "600",
            "--dir", str(self._folder), "--loglevel", "notice", "--maxmemory-policy", "noeviction", *self._options,
        ]  # fmt: skip

    def _until_ready(self) -> Iterator[None]:
        now_s = time.monotonic()
        deadline_s, loaded_by_s = now_s + _READY_WITHIN_S, now_s + _LOADED_WITHIN_S
        with connect(self.url, _ANSWERS_WITHIN_S) as client:  # this client does not retry by itself
            while True:
                try:
                    client.ping()
                except redis.exceptions.BusyLoadingError:
                    deadline_s = loaded_by_s
                except redis.RedisError:
                    pass
                else:
                    return
                if not self.running or time.monotonic() > deadline_s:
                    raise ServerStartError(
                        f"{self.program.name} did not start: {self.log_tail() or 'it logged nothing'}"
                    )
                yield


def _message(line: str) -> str:
    """The message of a log line, without process id, time and level."""
    for mark in (" # ", " * ", " - ", " . "):
        _, separator, rest = line.partition(mark)
        if separator:
            return rest.strip()
    return line.strip()
