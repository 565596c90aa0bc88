"""Ends this process with its parent, even if the parent is killed: standard input is a pipe that ends with it."""

from __future__ import annotations

import os
import signal
import threading
import time

_STOP_WITHIN_S = 10.0


def stop_when_stdin_ends() -> None:
    """Watch standard input in a thread. At its end, send SIGTERM to this process, and later SIGKILL to its group."""
    threading.Thread(target=_watch, name="parent watch", daemon=True).start()


def _watch() -> None:
    while os.read(0, 64):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_STOP_WITHIN_S)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
