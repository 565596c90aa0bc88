"""The child processes of the demonstration. None of them outlives it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from patchwatch.contract.errors import PortTakenError
from workers.runtime.ports import check_free

_PR_SET_PDEATHSIG = 1
_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def free_port(wanted: int, host: str = "127.0.0.1") -> int:
    """``wanted`` if it is free, else a free one that the system chooses."""
    try:
        return check_free(host, wanted, "")
    except PortTakenError:
        return check_free(host, 0, "")


def _prepared_child() -> Callable[[], None]:
    """What the child does first: it takes signals again, and on Linux gets SIGTERM when this process is killed without
    a chance to stop it."""
    prctl = ctypes.CDLL(None).prctl if sys.platform.startswith("linux") else None
    parent = os.getpid()

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP)
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

    return prepare


@contextlib.contextmanager
def _stop_signals_wait() -> Iterator[None]:
    """Python swallows what a signal's handler raises during a fork, and leaves locked what the fork had locked."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class ChildProcess:
    """A process in a session of its own, so that Ctrl-C reaches only the parent, which stops its children in order."""

    def __init__(
        self, arguments: Sequence[str], *, output: Path, environment: Mapping[str, str], stop_s: float = 15.0
    ) -> None:
        self._log = output
        self._stop_s = stop_s
        self._process: subprocess.Popen[bytes] | None = None
        try:
            with output.open("wb") as sink, _stop_signals_wait():
                self._process = subprocess.Popen(
                    [sys.executable, *arguments],
                    stdin=subprocess.PIPE, stdout=sink, stderr=subprocess.STDOUT,
                    env=dict(environment), start_new_session=True, preexec_fn=_prepared_child(),
                )  # fmt: skip
        except BaseException:  # a signal came meanwhile, and nobody else knows the process yet
            self.stop()
            raise

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return None if self._process is None else self._process.poll()

    def output(self) -> str:
        """Everything it has written to stdout and stderr so far."""
        return self._log.read_text(errors="replace")

    def stop(self) -> None:
        """Terminate it, wait, then kill it and whatever it started."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self._stop_s)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
