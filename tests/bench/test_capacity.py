"""What a step of the capacity benchmark says of the plan: computed, with what is beyond a fifth named."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bench.capacity.against_plan import as_text, calculated_lag_ms, compare, kept_up
from patchwatch.capacity.figures import figures

RUN = {"workers_of_ingest_and_of_inference": 2, "picture_kb": 12.0}
FIRST: dict[str, Any] = {
    "cameras": 60, "fps": 0.5, "unscored_cameras": 0, "began_to_end_s": 100.0,
    "frames_per_s": {"published": 30.0, "scored": 30.0}, "lag_ms": {"p50": 10.0, "p99": 50.0},
    "cores": {"inference": 0.15}, "redis_commands_per_s": 141 + 60 * 10.2 + 30 * 16.1,
    "redis_thread_load": 30 * 0.243e-3 + 60 * 2 * 1.14e-6,
    "resident_mib": {"redis": 13.1 + 60 * 0.1 * (1.03 * 12 / 24 + 1.73 * 100 / 3600)},
}  # fmt: skip


def changed(**values: Any) -> dict[str, Any]:
    return copy.deepcopy(FIRST) | values


def by_name(step: dict[str, Any]) -> dict[str, Any]:
    return {row["what"]: row for row in compare(step, FIRST, RUN, figures())}


def test_a_step_that_is_as_the_plan_says_deviates_in_nothing() -> None:
    rows = by_name(FIRST)
    assert list(rows) == ["Redis commands a second", "load of Redis's thread", "memory of Redis, MiB"]
    assert [row["deviation"] for row in rows.values()] == [0.0, 0.0, 0.0]
    assert all(row["within"] for row in rows.values())


@pytest.mark.parametrize(("factor", "within"), [(1.19, True), (0.81, True), (1.21, False), (0.79, False)])
def test_more_than_a_fifth_is_beyond_either_way(factor: float, within: bool) -> None:
    row = by_name(changed(redis_commands_per_s=FIRST["redis_commands_per_s"] * factor))["Redis commands a second"]
    assert row["deviation"] == pytest.approx(factor - 1, abs=0.001)
    assert row["within"] is within


def test_the_lag_of_a_busier_worker_is_calculated_from_that_of_the_first_step() -> None:
    """5 ms a frame: of two workers a load of 0.075 at 30 frames a second, of 0.5 at 200."""
    busier = changed(cameras=2000, fps=0.1, lag_ms={"p50": 12.3, "p99": 80.0})
    expected_ms = 10 + 5 * 0.5 / (2 * 0.5) - 5 * 0.075 / (2 * 0.925)
    assert calculated_lag_ms(busier, FIRST, 2) == pytest.approx(expected_ms)
    assert by_name(busier)["median lag, ms"]["within"]
    assert not by_name(changed(cameras=2000, fps=0.1, lag_ms={"p50": 20.0}))["median lag, ms"]["within"]


def test_workers_that_cannot_keep_up_have_no_lag_to_calculate() -> None:
    beyond = changed(cameras=2000, fps=0.25)  # 500 frames a second, of which two workers can do 400
    assert calculated_lag_ms(beyond, FIRST, 2) is None
    assert "median lag, ms" not in by_name(beyond)


def test_the_table_names_what_is_beyond_and_what_did_not_keep_up() -> None:
    bad = changed(frames_per_s={"published": 30.0, "scored": 20.0}, unscored_cameras=7)
    steps = []
    for step in (FIRST, bad):
        steps.append(step | {"kept_up": kept_up(step), "against_plan": compare(step, FIRST, RUN, figures())})
    text = as_text(steps)
    assert [step["kept_up"] for step in steps] == [True, False]
    assert "did not keep up: 20 of 30 frames/s scored, 7 cameras without a score" in text
    assert "did not keep up" not in as_text(steps[:1])
    assert text.count("beyond 20%") == sum(not row["within"] for step in steps for row in step["against_plan"])
