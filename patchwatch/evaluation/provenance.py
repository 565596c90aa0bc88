"""Which code and which processor made a record."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path


def commit() -> str | None:
    """Commit of this checkout, with ``+`` when files differ from it; None for an installation without a checkout."""
    checkout = Path(__file__).parents[2]
    if not (checkout / ".git").exists():
        return None
    command = ["git", "-C", str(checkout), "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None


def cpu_model() -> str:
    """Name of this machine's processor.

    Read from /proc/cpuinfo on Linux, because `platform.processor` is empty there and psutil does not know the model.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
