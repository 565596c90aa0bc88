"""Memory and processor time of another process, or None where there is none."""

from __future__ import annotations

import os
import subprocess
import sys

from workers.runtime.processes.process_usage import cpu_seconds, resident_mb


def test_a_process_is_measured() -> None:
    memory_mb, used_s = resident_mb(os.getpid()), cpu_seconds(os.getpid())
    assert memory_mb is not None
    assert used_s is not None
    assert memory_mb > 1
    assert used_s > 0


def test_of_one_that_is_gone_nothing_is_known() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert resident_mb(process.pid) is None
    assert cpu_seconds(process.pid) is None
