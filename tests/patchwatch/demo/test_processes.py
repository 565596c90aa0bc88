"""The child processes of the demonstration end with it, whenever it is asked to stop."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# In a process of its own, as a signal that comes late would end the tests.
INTERRUPTED = """
import os, signal, subprocess, sys
from pathlib import Path
from patchwatch.demo.processes import ChildProcess
from workers.runtime.stop_signals import stop_handler

started, honest = [], subprocess.Popen

def interrupted(*arguments, **options):
    os.kill(os.getpid(), signal.SIGTERM)
    started.append(honest(*arguments, **options))
    return started[0]

def interrupt():
    raise KeyboardInterrupt

subprocess.Popen = interrupted
with stop_handler(interrupt):
    try:
        ChildProcess(["-c", "import time; time.sleep(60)"], output=Path(sys.argv[1]), environment=os.environ)
    except KeyboardInterrupt:
        sys.exit(0 if started[0].poll() is not None else "the child lives on")
sys.exit("the signal was swallowed")
"""


def test_a_signal_that_comes_while_a_child_is_started_stops_it_and_us(tmp_path: Path) -> None:
    """Raised during the fork it was swallowed, and the demonstration ran on with a lock that nobody held."""
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path / "log")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
