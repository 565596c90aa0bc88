"""What every benchmark needs: the machine, programs timed in turns, medians with their spread, and the record."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from patchwatch.evaluation.provenance import commit, cpu_model

RESULTS = Path(__file__).parent / "results"
# A copy without its history names its commit here: bench/gpu_pack.py.
_CARRIED_COMMIT = Path(__file__).parents[1] / ".gpu" / "commit"
DATA = Path(os.environ.get("PATCHWATCH_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


def machine() -> dict[str, Any]:
    """Processor, cores, load and the versions that matter."""
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "load_1min": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
    }


def spread(values: list[float]) -> dict[str, float]:
    """Median with tenth and ninetieth percentile, three significant digits."""
    p10, median, p90 = (float(f"{value:.3g}") for value in np.percentile(values, [10, 50, 90]))
    return {"median": median, "p10": p10, "p90": p90}


def in_turns(programs: Mapping[str, Callable[[], object]], rounds: int, *, warm_up: int = 1) -> dict[str, list[float]]:
    """Wall time in seconds of each program in each round. The programs take turns, so that other load on the machine
    disturbs all of them alike. Rounds of the warm-up are not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(warm_up + rounds):
        for name, program in programs.items():
            start = time.perf_counter()
            program()
            if number >= warm_up:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def ratios(seconds: Mapping[str, list[float]], slow: str, fast: str) -> dict[str, float]:
    """How many times faster ``fast`` is, round by round."""
    return spread([a / b for a, b in zip(seconds[slow], seconds[fast], strict=True)])


def write(what: str, body: Mapping[str, Any], path: Path) -> None:
    """Write a record with date, commit and machine, and print it."""
    save(what, body, path)
    print(path.read_text(), end="")


def save(what: str, body: Mapping[str, Any], path: Path) -> None:
    """As `write`, without printing: for results so far, since a program may be stopped."""
    record: dict[str, object] = {"what": what, "at": datetime.now(UTC).isoformat(timespec="seconds")}
    record |= {"commit": commit() or _carried_commit(), "machine": machine(), **body}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")


def _carried_commit() -> str | None:
    try:
        return _CARRIED_COMMIT.read_text().strip() or None
    except OSError:
        return None
