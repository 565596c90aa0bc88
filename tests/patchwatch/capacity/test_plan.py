from __future__ import annotations

import json
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import pytest

from bench.capacity.against_plan import redis_mib
from bench.capacity.shares import Step, commands, few_that_kept_up, thread
from patchwatch.capacity.figures import figures
from patchwatch.capacity.plan import Order, Plan, Process, Video, plan
from patchwatch.contract.errors import RejectedError

RESULTS = Path(__file__).parents[3] / "bench" / "results"
SMALL = Order(28, "motion", video=Video.P360, video_fps=10.0, score_hours=0.01)


def record(name: str) -> dict[str, Any]:
    known: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    return known


def of_role(found: Plan, role: str) -> Process:
    return next(process for process in found.processes if process.role == role)


def test_a_plan_of_what_was_measured_says_what_was_measured() -> None:
    row = record("pipeline-motion")["rows"][-1]
    found = plan(SMALL, figures())
    assert row["sustained"]
    assert found.cores == pytest.approx(row["cores_per_camera"] * row["cameras"], rel=0.05)
    assert of_role(found, "inference").cores == pytest.approx(row["cores"]["inference"], rel=0.02)
    redis = of_role(found, "redis").cores / row["cores"]["redis"]  # its figures are those of another record
    assert 1.0 < redis < 1.6
    assert of_role(found, "ingest").memory_mib == pytest.approx(28 * row["peak_mib"]["capture"])
    objects = record("pipeline-objects")["rows"][2]
    found = plan(replace(SMALL, cameras=4, profile="objects"), figures())
    assert of_role(found, "inference").cores == pytest.approx(objects["cores"]["inference"], rel=0.02)


def test_the_figures_are_those_of_the_records() -> None:
    known, motion = figures(), record("pipeline-motion")["rows"][-1]
    assert known.frames.picture_kb == record("queue")["kb_per_frame"]
    logged = record("queue")["ways"]["as it is: pictures not logged, fsync each second"]["log_kb_per_frame"]
    assert known.log.kb_a_frame == logged["median"]
    decoding = record("limits-cpu")["decode_frames_per_s_one_core"]
    shown = known.decoding.model_dump(by_alias=True, include={"p360", "p720", "p1080"})
    assert shown == {size: decoding[size]["median"] for size in shown}
    summary = record("weeks")["summary"]["self-arming"]
    assert (known.disk.banks_mb, known.disk.memory_mb) == (summary["banks_mb"], summary["memory_mb"])
    assert known.profiles["scene"].core_ms == summary["ms_a_frame"]
    scores = record("service")["redis_bytes_per_camera_and_hour_of_scores"] / 2**20
    assert known.scores.mib_an_hour == pytest.approx(scores, rel=0.01)
    assert known.service.mib == record("service")["service_peak_mib"]
    assert known.capture.cores == pytest.approx((motion["cores"]["capture"] + motion["cores"]["ingest"]) / 28, rel=0.01)
    redis = motion["peak_mib"]["redis"] - known.redis.base_mib - 28 * known.redis.camera_mib
    assert known.redis.queue_mib == pytest.approx(redis / 28, rel=0.01)


def test_the_figures_of_many_cameras_are_those_of_the_records() -> None:
    known, run = figures(), record("capacity")
    counts, seconds = commands(run["steps"]), thread(run["steps"])
    ours = known.commands.idle, known.commands.a_camera, known.commands.a_frame
    assert ours == pytest.approx(astuple(counts), rel=0.01, abs=1e-9)
    ours = known.thread.idle, known.thread.a_camera_ms / 1000, known.thread.a_frame_ms / 1000
    assert ours == pytest.approx(astuple(seconds), rel=0.01, abs=1e-9)
    for step in few(run):
        assert redis_mib(step, run, known) == pytest.approx(step["resident_mib"]["redis"], rel=0.2)
    row = record("lease-rounds")["rows"][-1]
    assert known.rounds.redis_us == pytest.approx(1000 * row["looking_on_redis_ms"] / row["units"], rel=0.01)
    assert known.rounds.worker_us == pytest.approx(1000 * row["looking_on_worker_ms"] / row["units"], rel=0.01)


def few(run: dict[str, Any]) -> list[Step]:
    """The steps that the figures were fitted to."""
    steps = few_that_kept_up(run["steps"])
    assert len(steps) >= 2
    return steps


def test_what_is_planned_for_redis_is_what_was_measured_to_within_a_fifth() -> None:
    for step in few(record("capacity")):
        found = plan(Order(step["cameras"], "motion", fps=step["fps"], video_fps=10.0), figures())
        assert found.redis_commands_per_s == pytest.approx(step["redis_commands_per_s"], rel=0.2)
        assert found.redis_load == pytest.approx(step["redis_thread_load"], rel=0.2)


def test_the_looks_of_many_ingest_workers_at_all_leases_count() -> None:
    few, many = plan(Order(28, "motion"), figures()), plan(Order(10_000, "motion"), figures())
    thread = figures().thread
    own = [thread.idle + count * (thread.a_camera_ms + 5 * thread.a_frame_ms) / 1000 for count in (28, 10_000)]
    assert few.redis_load == pytest.approx(own[0])
    assert many.redis_load > 1.1 * own[1]


def test_every_record_that_is_named_is_there() -> None:
    named = [section["record"] for section in figures().model_dump().values() if "record" in section]
    named += [cost.record for cost in figures().profiles.values()]
    assert {name for name in named if not (RESULTS / f"{name}.json").is_file()} == set()


def test_more_cameras_take_more_and_what_gives_way_first_is_told_first() -> None:
    few, many = plan(Order(20, "motion"), figures()), plan(Order(2000, "motion"), figures())
    assert many.cores > 50 * few.cores
    assert many.redis_memory_mib > 50 * few.redis_memory_mib
    assert not few.broken
    assert many.broken == tuple(limit for limit in many.limits if limit.cameras < 2000)
    assert many.broken
    assert [limit.cameras for limit in many.limits] == sorted(limit.cameras for limit in many.limits)


def test_bigger_video_takes_more_to_decode_and_nothing_more_to_analyse() -> None:
    small = plan(replace(SMALL, video=Video.P360), figures())
    large = plan(replace(SMALL, video=Video.P1080), figures())
    assert of_role(large, "ingest").cores > of_role(small, "ingest").cores
    assert of_role(large, "inference") == of_role(small, "inference")


def test_a_gpu_helps_the_profiles_that_have_networks_and_is_called_an_estimate() -> None:
    without, with_one = (plan(Order(100, "clip", gpu=gpu), figures()) for gpu in (False, True))
    assert of_role(with_one, "inference").count < of_role(without, "inference").count
    assert (without.gpus, with_one.gpus >= 1) == (0, True)
    assert any("not measured" in text for text in with_one.estimates)
    motion = plan(Order(100, "motion", gpu=True), figures())
    assert motion.gpus == 0
    assert any("uses no GPU" in text for text in motion.estimates)


def test_what_cannot_be_planned_is_refused_with_what_can() -> None:
    with pytest.raises(RejectedError, match="choose one of motion, scene"):
        plan(Order(1, "mine"), figures())
    for order in (Order(0, "motion"), Order(1, "motion", fps=0), Order(1, "motion", fps=20)):
        with pytest.raises(RejectedError, match="at least one camera"):
            plan(order, figures())
