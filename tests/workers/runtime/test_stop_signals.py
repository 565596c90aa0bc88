"""SIGTERM ends a worker even when the cancellation of what it waits for is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SUPPORT = Path(__file__).parents[2] / "support"
ROOT = SUPPORT.parents[1]


@pytest.mark.parametrize("module", ["workers.delivery.worker", "workers.ingest.worker"])
@pytest.mark.parametrize("held", [["held"], []], ids=["in the middle of a call", "between calls"])
def test_a_lost_cancellation_keeps_no_worker_running(
    bus_url: str, tmp_path: Path, module: str, held: list[str]
) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(SUPPORT)])}
    command = [sys.executable, str(SUPPORT / "deaf_worker.py"), module, bus_url, str(tmp_path / "data"), *held]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        try:
            assert worker.stdout.readline() == b"ready\n"
            worker.terminate()
            _, errors = worker.communicate(timeout=60)
        finally:
            worker.kill()
    assert worker.returncode == 0, errors.decode()
