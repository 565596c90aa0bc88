"""One of the product's own role processes, to be killed, stopped for a while, and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


class RoleProcess:
    """``patchwatch run ROLE``. What it logs goes to a file. ``through``: a command that runs another one elsewhere."""

    def __init__(self, role: str, environment: Mapping[str, str], log: Path, through: Sequence[str] = ()) -> None:
        self.role = role
        self._through = tuple(through)
        self._environment = dict(environment)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.role} does not run"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._through, sys.executable, "-P", "-m", "patchwatch", "run", self.role, "--stop-with-parent"],
                env=self._environment, stdin=subprocess.PIPE, stdout=log, stderr=log, process_group=0, bufsize=0,
            )  # fmt: skip

    def kill(self) -> None:
        """SIGKILL, also when it is stopped."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process = None

    def replace(self) -> None:
        """Killed and started again, as by an operator's process supervisor."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def stop(self, within_s: float = 20.0) -> None:
        """As an operator would: SIGTERM, and SIGKILL for one that does not obey."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(within_s)
        self.kill()

    def last_words(self, lines: int = 15) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:]) if self._log.exists() else ""


def captures_of(ingest_pid: int) -> list[int]:
    """Capture processes of an ingest worker."""
    children = Path(f"/proc/{ingest_pid}/task/{ingest_pid}/children").read_text().split()
    return [int(child) for child in children if b"workers.ingest.capture.capture" in _command_line(child)]


def connected_to(pid: int, port: int) -> bool:
    """Whether a process has a TCP connection to a port of this machine."""
    remote = f":{port:04X}"
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    sockets = {f"socket:[{row[9]}]" for row in rows if row[2].endswith(remote)}
    return any(os.readlink(fd) in sockets for fd in _descriptors(pid))


def _descriptors(pid: int) -> list[Path]:
    try:
        return [fd for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink()]
    except FileNotFoundError:
        return []


def _command_line(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""
