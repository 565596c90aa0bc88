from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from workers.runtime.processes import cpu_meter
from workers.runtime.processes.cpu_meter import CpuMeter, available_cores


@pytest.mark.parametrize(("text", "cores"), [("150000 100000", 1.5), ("50000 100000", 0.5)])
def test_the_limit_of_a_container_counts(tmp_path: Path, text: str, cores: float) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text(text)
    assert available_cores(quota) == min(cores, len(os.sched_getaffinity(0)))


@pytest.mark.parametrize("text", ["max 100000", "", "100000 0", "nonsense"])
def test_without_a_limit_all_processors_count(tmp_path: Path, text: str) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text(text)
    assert available_cores(quota) == len(os.sched_getaffinity(0)) == available_cores(tmp_path / "none")


def test_a_process_takes_its_share_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s, used = [100.0], iter([3.0, 8.0, 8.0])  # the first seconds, in which it starts, do not count
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    monkeypatch.setattr(cpu_meter, "cpu_seconds", lambda pid: next(used, None))
    meter = CpuMeter(1, cores=4)
    assert meter.measure() is None
    for expected in (None, 0.125, 0.106):
        now_s[0] += 10
        assert meter.measure() == (None if expected is None else pytest.approx(expected, abs=0.001))
        assert meter.measure() == meter.load  # asked again at once: nothing new is measured
    now_s[0] += 10
    assert meter.measure() == pytest.approx(0.106, abs=0.001)  # it is gone: what was measured last
