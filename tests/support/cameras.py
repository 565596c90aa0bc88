"""A running `camera_site`, seen from a test."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import footage
import parts
from ingest_rig import free_port

_SITE = Path(__file__).parent / "camera_site.py"


class Cameras:
    """RTSP cameras ``names`` at rtsp://127.0.0.1:`port`/NAME, in one process that can be stopped, frozen and killed."""

    def __init__(self, units: Path, *names: str) -> None:
        self.port = free_port()
        self.names = names
        self._units = units
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Serve; returns once it listens."""
        command = ["--port", str(self.port), "--units", str(self._units), "--fps", str(footage.FPS), *self.names]
        self._process = subprocess.Popen(
            [parts.gst_python(), str(_SITE), *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, process_group=0,
        )  # fmt: skip
        assert self._answer() == "ready"

    def stop(self) -> None:
        """End at once, as by a power cut."""
        if self._process is None:
            return
        self._process.kill()
        self._process.communicate()
        self._process = None

    def freeze(self) -> None:
        """The connection stays, nothing comes."""
        os.kill(self._running.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._running.pid, signal.SIGCONT)

    def tell(self, name: str, verb: str, what: object = "") -> None:
        """One command of `camera_site`, once it is obeyed."""
        assert self._running.stdin is not None
        self._running.stdin.write(f"{name} {verb} {what}\n")
        self._running.stdin.flush()
        assert self._answer() == "done"

    def url(self, name: str, port: int | None = None) -> str:
        """Address of a camera; ``port``: of a proxy before it."""
        return f"rtsp://127.0.0.1:{port or self.port}/{name}"

    @property
    def pid(self) -> int:
        return self._running.pid

    @property
    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None, "the cameras are stopped"
        return self._process

    def _answer(self) -> str:
        assert self._running.stdout is not None
        return self._running.stdout.readline().strip()
