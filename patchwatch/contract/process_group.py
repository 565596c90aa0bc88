"""Ending a child process with everything that it started."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress


def kill_group(leader: subprocess.Popen[bytes]) -> None:
    """End a process and all of its group at once, wait for it, and close its standard input.

    ``leader`` was started in a group of its own (``process_group=0`` or ``start_new_session=True``). It may be over
    already; what it left in its group is ended all the same.
    """
    with suppress(ProcessLookupError, PermissionError):  # forbidden on macOS if only a zombie is left
        os.killpg(leader.pid, signal.SIGKILL)
    leader.wait()
    if leader.stdin is not None:
        leader.stdin.close()
