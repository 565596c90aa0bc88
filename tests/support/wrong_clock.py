"""A wall clock that is wrong, for programs that are started with this environment and for what they start."""

from __future__ import annotations

import subprocess
from pathlib import Path

import parts

_SOURCE = Path(__file__).with_suffix(".c")


def wrong_clock(folder: Path, ahead_s: int) -> dict[str, str]:
    """The environment that sets a program's clock ahead, or behind where negative; skips without a C compiler."""
    library = folder / "wrong_clock.so"
    if not library.exists():
        subprocess.run([parts.cc(), "-shared", "-fPIC", "-O1", "-o", str(library), str(_SOURCE)], check=True)
    return {"LD_PRELOAD": str(library), "WRONG_CLOCK_AHEAD_S": str(ahead_s)}
