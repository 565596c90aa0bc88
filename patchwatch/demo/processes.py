"""The child processes of the demonstration. None of them outlives it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from patchwatch.contract.errors import PortTakenError
from patchwatch.contract.process_group import kill_group
from workers.runtime.ports import check_free

_PR_SET_PDEATHSIG = 1
_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def free_port(wanted: int, host: str = "127.0.0.1") -> int:
    """``wanted`` if it is free, else a free one that the system chooses."""
    try:
        return check_free(host, wanted, "")
    except PortTakenError:
        return check_free(host, 0, "")


def _end_with_parent() -> Callable[[], None] | None:
    """On Linux the child gets SIGTERM when this process is killed without a chance to stop it."""
    if not sys.platform.startswith("linux"):
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def request_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return request_signal


@contextlib.contextmanager
def _stop_signals_wait() -> Iterator[None]:
    """Signals take effect at the end. Python swallows what a handler raises during a fork, and leaves locked what the
    fork had locked. For the main thread; in others no handler runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    numbers = [number for number in _STOP if callable(signal.getsignal(number))]
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for missed in came:
        signal.raise_signal(missed)


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
                    env=dict(environment), start_new_session=True, preexec_fn=_end_with_parent(),
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

    def notify(self) -> None:
        """Send it SIGUSR1."""
        if self._process is not None:
            self._process.send_signal(signal.SIGUSR1)

    def stop(self) -> None:
        """Terminate it, wait, then kill it and whatever it started."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self._stop_s)
        kill_group(self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
