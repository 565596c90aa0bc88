from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchwatch.contract.roles import Role
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.analysis_status import AnalysisState, AnalysisStatus
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState, CaptureStatus
from patchwatch.messages.heartbeat import Heartbeat
from service.presentation.demand import CameraWork, RoleDemand, demands

SETTINGS = Settings(target_load=0.7, partitions=64)


def work(
    number: int = 0, frame_load: float | None = 0.01, capture_load: float | None = 0.05, *, profile: str = "motion",
    state: CaptureState = CaptureState.LIVE, fps: float = 5.0, lowered_to: float | None = None, enabled: bool = True,
) -> CameraWork:  # fmt: skip
    name = f"camera-{number}"
    camera = Camera(id=name, source="push:", profile=profile, enabled=enabled)
    times = {"since_ms": 1, "updated_at_ms": 1}
    capture = CaptureStatus(
        camera_id=name, state=state, load=capture_load, configured_fps=fps, analysis_fps=lowered_to or fps, **times
    )
    analysis = AnalysisStatus(
        camera_id=name, state=AnalysisState.SCORING, profile=profile, frame_load=frame_load, updated_at_ms=1
    )
    return CameraWork(camera, capture, analysis)


def demand(works: list[CameraWork], role: Role = Role.INFERENCE, settings: Settings = SETTINGS) -> RoleDemand:
    beats = [Heartbeat(role="inference", host="h", pid=1, started_at_ms=1, updated_at_ms=1)]
    return next(entry for entry in demands(works, beats, settings) if entry.role is role)


def test_the_demand_is_what_cameras_take_over_what_a_worker_should_do() -> None:
    found = demand([work(number) for number in range(60)])  # 60 cameras, 5 fps, 0.01 each: three workers' time
    assert found.load == pytest.approx(3.0)
    assert (found.workers, found.full, found.alive, found.cameras) == (5, False, 1, 60)
    assert demand([work(number) for number in range(60)], Role.INGEST).workers == 5


def test_a_rate_that_was_lowered_under_load_does_not_hide_demand() -> None:
    lowered = [work(number, lowered_to=2.5) for number in range(60)]
    assert demand(lowered) == demand([work(number) for number in range(60)])


def test_a_camera_that_was_never_measured_counts_as_others_of_its_profile() -> None:
    measured = [work(number) for number in range(10)] + [work(number, 0.1, profile="clip") for number in range(10, 12)]
    found = demand([*measured, work(20, None), work(21, None, profile="clip"), work(22, None, profile="new")])
    assert found.unmeasured == 3
    assert found.load == pytest.approx(10 * 0.05 + 2 * 0.5 + 0.05 + 0.5 + 1.5 / 12)


def test_what_another_profile_took_says_nothing() -> None:
    before = work(0, 0.1)
    changed = CameraWork(before.camera.model_copy(update={"profile": "clip"}), before.capture, before.analysis)
    assert demand([changed, work(1)]).load == pytest.approx(0.1)


def test_without_any_measurement_one_worker_is_wanted_and_without_cameras_none() -> None:
    nothing = CameraWork(Camera(id="new", source="push:"), None, None)
    for role in (Role.INGEST, Role.INFERENCE):
        assert demand([nothing], role).workers == 1
        assert demand([], role).workers == 0


@pytest.mark.parametrize("state", [CaptureState.FAILED, CaptureState.ENDED, CaptureState.DISABLED])
def test_cameras_that_will_not_come_back_by_themselves_want_nothing(state: CaptureState) -> None:
    assert demand([work(0, state=state), work(1, enabled=False)]).cameras == 0
    assert demand([work(0, state=CaptureState.OFFLINE)]).cameras == 1


def test_never_more_workers_than_partitions_with_cameras() -> None:
    found = demand([work(number, 0.1) for number in range(60)], settings=Settings(partitions=8))
    assert (found.workers, found.limit, found.full) == (8, 8, True)


def test_a_partition_that_is_too_heavy_is_told_and_wants_no_more_workers_than_help() -> None:
    found = demand([work(0, 0.3), *(work(number, 0.0001) for number in range(1, 40))])
    assert found.full
    assert found.workers == 3  # 1.52 / 0.7


def test_partitions_are_not_divided_so_the_busiest_worker_decides() -> None:
    found = demand([work(number, 0.08) for number in range(8)], settings=Settings(partitions=1024))
    assert found.limit == 8
    assert found.load == pytest.approx(3.2)  # by the mean five workers would do, but three of them had two cameras
    assert found.workers == 5
    heavier = demand([work(number, 0.1) for number in range(8)], settings=Settings(partitions=1024))
    assert heavier.workers == 8  # two cameras would keep one worker busy all the time


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1e6), max_size=30), st.integers(1, 64), st.floats(0.1, 1))
def test_whatever_was_measured_the_number_is_within_bounds(loads: list[float], partitions: int, target: float) -> None:
    works = [work(number, load, load) for number, load in enumerate(loads)]
    chosen = Settings(partitions=partitions, target_load=target)
    for found in demands(works, [], chosen):
        assert min(1, len(works)) <= found.workers <= found.limit <= len(works)
    assert demand(works, settings=chosen).limit <= partitions
