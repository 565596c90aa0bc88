"""What a step of the capacity benchmark says of the plan: computed, with what is beyond a fifth named."""

from __future__ import annotations

import copy
from dataclasses import astuple
from typing import Any

import pytest

from bench.capacity.against_plan import as_text, calculated_lag_ms, compare, kept_up
from bench.capacity.shares import commands, inference
from bench.capacity.step import backlog
from patchwatch.capacity.figures import Commands, Queue, Thread, figures

RUN = {"workers_of_ingest_and_of_inference": 2, "picture_kb": 12.0}
FIGURES = figures().model_copy(
    update={
        "commands": Commands(record="", of="", idle=100.0, a_camera=10.0, a_frame=16.0),
        "thread": Thread(record="", of="", idle=0.01, a_camera_ms=0.1, a_frame_ms=0.3),
        "redis": Queue(record="", of="", base_mib=13.0, camera_mib=0.1, queue_mib=1.0),
    }
)


def step(cameras: int, fps: float, **values: Any) -> dict[str, Any]:
    """As the figures say; an inference worker takes 0.5 ms for a camera, and 5 ms for a frame."""
    frames = cameras * fps
    known: dict[str, Any] = {
        "cameras": cameras, "fps": fps, "unscored_cameras": 0, "began_to_end_s": 100.0, "kept_up": True,
        "frames_per_s": {"published": frames, "scored": frames}, "lag_ms": {"p50": 10.0, "p99": 50.0},
        "cores": {"inference": 0.0005 * cameras + 0.005 * frames},
        "redis_commands_per_s": 100 + cameras * 10 + frames * 16,
        "redis_thread_load": 0.01 + cameras * 0.1e-3 + frames * 0.3e-3 + cameras * 2 * FIGURES.rounds.redis_us / 1e6,
        "resident_mib": {
            "redis": 13 + cameras * (0.1 + fps / 5 * (1.0 * 12 / 24 + FIGURES.scores.mib_an_hour * 100 / 3600))
        },
    }  # fmt: skip
    return copy.deepcopy(known) | values


STEPS = [step(60, 0.5), step(500, 0.05), step(500, 0.2)]
FIRST = STEPS[0]


def changed(**values: Any) -> dict[str, Any]:
    return copy.deepcopy(FIRST) | values


def by_name(one: dict[str, Any]) -> dict[str, Any]:
    return {row["what"]: row for row in compare(one, STEPS, RUN, FIGURES)}


def test_a_step_that_is_as_the_plan_says_deviates_in_nothing() -> None:
    rows = by_name(FIRST)
    assert list(rows) == ["Redis commands a second", "load of Redis's thread", "memory of Redis, MiB"]
    assert [row["deviation"] for row in rows.values()] == [0.0, 0.0, 0.0]
    assert all(row["within"] for row in rows.values())


def test_what_belongs_to_a_camera_and_what_to_a_frame_is_told_from_steps_with_few_cameras() -> None:
    steps = [*STEPS, step(2000, 0.1, redis_commands_per_s=1.0), step(400, 0.1, redis_commands_per_s=1.0, kept_up=False)]
    assert astuple(commands(steps)) == pytest.approx((100, 10, 16))
    assert astuple(inference(steps)) == pytest.approx((0, 0.0005, 0.005), abs=1e-9)


def test_frames_that_wait_are_those_of_which_nothing_has_become_yet() -> None:
    assert backlog({"published": 100, "scored": 60, "dropped:too_old": 20, "lost": 5}) == 15


@pytest.mark.parametrize(("factor", "within"), [(1.19, True), (0.81, True), (1.21, False), (0.79, False)])
def test_more_than_a_fifth_is_beyond_either_way(factor: float, within: bool) -> None:
    row = by_name(changed(redis_commands_per_s=FIRST["redis_commands_per_s"] * factor))["Redis commands a second"]
    assert row["deviation"] == pytest.approx(factor - 1, abs=0.001)
    assert row["within"] is within


def test_the_lag_of_a_busier_worker_is_calculated_from_that_of_the_first_step() -> None:
    """5 ms a frame and 0.5 ms a camera: loads of two workers of 0.09 with the first step, and of 0.75 with another, in
    which each worker asks for 470 cameras more."""
    busier = step(1000, 0.2, lag_ms={"p50": 35.0, "p99": 80.0})
    expected_ms = 10 + 5 * 0.75 / (2 * 0.25) - 5 * 0.09 / (2 * 0.91) + 2 * 470 * 0.02
    assert calculated_lag_ms(busier, STEPS, 2) == pytest.approx(expected_ms)
    assert by_name(busier)["median lag, ms"]["within"]
    assert not by_name(step(1000, 0.2, lag_ms={"p50": 50.0}))["median lag, ms"]["within"]


def test_workers_that_cannot_keep_up_have_no_lag_to_calculate() -> None:
    beyond = step(2000, 0.25)  # 500 frames a second, of which two workers can do 400
    assert calculated_lag_ms(beyond, STEPS, 2) is None
    assert "median lag, ms" not in by_name(beyond)
    assert calculated_lag_ms(FIRST, [changed(kept_up=False)], 2) is None


def test_the_table_names_what_is_beyond_and_what_did_not_keep_up() -> None:
    bad = changed(frames_per_s={"published": 30.0, "scored": 20.0}, unscored_cameras=7)
    steps = []
    for one in (FIRST, bad):
        steps.append(one | {"kept_up": kept_up(one), "against_plan": compare(one, STEPS, RUN, FIGURES)})
    text = as_text(steps)
    assert [one["kept_up"] for one in steps] == [True, False]
    assert "did not keep up: 20 of 30 frames/s scored, 7 cameras without a score" in text
    assert "did not keep up" not in as_text(steps[:1])
    assert text.count("beyond 20%") == sum(not row["within"] for one in steps for row in one["against_plan"])
