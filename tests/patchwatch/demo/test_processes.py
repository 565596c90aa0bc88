"""The child processes of the demonstration end with it, whenever it is asked to stop."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from patchwatch.demo.processes import ChildProcess
from workers.runtime.stop_signals import stop_handler


def test_a_signal_that_comes_while_a_child_is_started_stops_it_and_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raised during the fork it was swallowed, and the demonstration ran on with a lock that nobody held."""
    started: list[subprocess.Popen[bytes]] = []
    honest = subprocess.Popen

    def interrupted(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        os.kill(os.getpid(), signal.SIGTERM)
        started.append(honest(*arguments, **options))
        return started[0]

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    with stop_handler(interrupt), pytest.raises(KeyboardInterrupt):
        ChildProcess(["-c", "import time; time.sleep(60)"], output=tmp_path / "log", environment=os.environ)
    assert started[0].poll() is not None
