"""The soak tells a leak from warm-up, from buffers that come and go, and from a run that is too short to tell."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from memory import Life, MemoryWatch, aged, minute_lows, probed
from memory_growth import Growth, Verdict, growth
from waiting import wait_until

from bench.soak import FAILED, TOO_SHORT, exit_status, memory_line, no_leak

RUNS = 20
SOAK = {"one life of a quarter of an hour": (15,), "twelve": (15,) * 12, "killed twice": (15, 7, 8)}


def life(minutes: float, leak_mib: float, seed: int, *, step_mib: float = 0.0) -> Life:
    """A process that warms up within minutes, whose buffers come and go, and one of whose tables may double."""
    chance = np.random.default_rng(seed)
    at_s = np.arange(0.0, minutes * 60, 2.0)
    warm_up = chance.uniform(0.3, 3.0) * (1 - np.exp(-at_s / chance.uniform(20, 150)))
    buffers, drift = np.abs(chance.normal(0, 0.5, len(at_s))), chance.normal(0, 0.001, len(at_s)).cumsum()
    step = step_mib * (at_s > chance.uniform(60, at_s[-1]))
    mib = 60 + leak_mib / 60 * at_s + warm_up + buffers + drift + step
    return minute_lows(aged(list(zip(at_s.tolist(), mib.tolist(), strict=True))))


def verdicts(minutes: tuple[int, ...], leak_mib: float, step_mib: float = 0.0) -> Counter[Verdict]:
    found = [
        growth([life(one, leak_mib, 100 * seed + n, step_mib=step_mib) for n, one in enumerate(minutes)])
        for seed in range(RUNS)
    ]
    return Counter(one.verdict for one in found if one is not None)


@pytest.mark.parametrize("minutes", SOAK.values(), ids=SOAK)
@pytest.mark.parametrize("step_mib", [0.0, 0.3])
def test_where_nothing_leaks_a_quarter_of_an_hour_is_steady(minutes: tuple[int, ...], step_mib: float) -> None:
    assert verdicts(minutes, 0.0, step_mib)[Verdict.STEADY] >= RUNS - 1
    assert verdicts(minutes, 0.0, step_mib)[Verdict.GROWS] == 0


@pytest.mark.parametrize("minutes", SOAK.values(), ids=SOAK)
def test_a_leak_of_a_tenth_of_a_mib_a_minute_is_seen_in_a_quarter_of_an_hour(minutes: tuple[int, ...]) -> None:
    found = verdicts(minutes, 0.1)
    assert found[Verdict.GROWS] >= 0.8 * RUNS
    assert found[Verdict.STEADY] == 0


def test_its_size_is_told_and_the_warm_up_is_not_part_of_it() -> None:
    found = growth([life(15, 0.5, seed) for seed in range(6)])
    assert found is not None
    assert found.low_mib < 0.5 < found.high_mib
    assert found.per_minute_mib == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("leak_mib", [0.0, 0.1])
def test_lives_of_a_few_minutes_seldom_tell_and_never_the_wrong_thing(leak_mib: float) -> None:
    wrong = Verdict.GROWS if leak_mib == 0.0 else Verdict.STEADY
    found = verdicts((6, 7, 6), leak_mib)
    assert found[wrong] <= 1
    assert growth([life(3, leak_mib, 1)]) is None
    assert growth([]) is None


def told(low_mib: float, high_mib: float, minutes: float) -> Verdict:
    return Growth(0.0, low_mib, high_mib, 1.0, 60.0, 1, 14, minutes).verdict


def test_the_longer_the_run_the_smaller_a_leak_it_sees() -> None:
    assert told(0.04, 0.09, 15) is Verdict.STEADY  # a table that doubled once would look like this
    assert told(0.04, 0.09, 60) is Verdict.GROWS
    assert told(0.0, 0.11, 15) is Verdict.TOO_SHORT


def test_a_run_that_cannot_tell_neither_passes_nor_fails() -> None:
    assert no_leak([Verdict.STEADY, Verdict.STEADY]) is True
    assert no_leak([Verdict.STEADY, Verdict.TOO_SHORT]) is None
    assert no_leak([Verdict.GROWS, Verdict.TOO_SHORT]) is False
    assert exit_status({"a": True, "b": True}) == 0
    assert exit_status({"a": True, "b": None}) == TOO_SHORT
    assert exit_status({"a": False, "b": None}) == FAILED
    assert memory_line({"verdict": "too short to tell", "in_use": None}).startswith("too short to tell")


def test_what_processes_write_down_is_read_and_half_a_line_is_not(tmp_path: Path) -> None:
    watch = MemoryWatch(dict, tmp_path)
    watch._samples["service", 7] = watch._samples["capture", 8] = [(0.0, 50.0)]
    rows = [f"{100 + 2 * n}.0 {(50 + n) * 2**20}\n" for n in range(120)]
    (tmp_path / "7").write_text("".join(rows) + "340.0 9")
    [seen] = watch.in_use("service")
    assert seen[:, 1].tolist() == [80.0, 110.0, 140.0]  # the least of the second, third and fourth minute
    assert watch.in_use("capture") == []


def test_a_process_writes_down_what_it_has_in_use_and_not_what_it_gave_back(tmp_path: Path) -> None:
    code = "a = bytearray(200 << 20); del a; b = bytearray(50 << 20); print(flush=True); input()"
    environment = os.environ | probed(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-P", "-c", code], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        file = tmp_path / str(process.pid)
        wait_until(lambda: file.exists() and any(50 < mib < 100 for mib in written(file)))
        process.communicate(b"\n")


def written(file: Path) -> list[float]:
    return [int(line.split()[1]) / 2**20 for line in file.read_text().splitlines() if line.count(" ") == 1]
