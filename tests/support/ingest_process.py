"""An ingest worker as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from patchwatch.contract.settings import Settings


@contextmanager
def ingest_process(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    assert settings.redis_url
    environment = os.environ | {
        "PATCHWATCH_REDIS_URL": settings.redis_url.get_secret_value(),
        "PATCHWATCH_MEDIA_DIRS": ":".join(str(folder) for folder in settings.media_dirs),
        "PATCHWATCH_RTSP_PORT": "0",
    }
    code = (
        "from patchwatch.contract.settings import load_settings; "
        "from workers.ingest.worker import run; run(load_settings())"
    )
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def captures_of(pid: int) -> list[int]:
    """Its children that are capture processes."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if b"workers.ingest.capture.capture" in _command_line(child)]


def _command_line(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended
        return b""
