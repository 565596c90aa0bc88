"""Optical flow between successive frames of a camera."""

from __future__ import annotations

import numpy as np
import pytest
from moving_texture import picture

from models.frames.frame import CameraContext, Frame
from models.frames.optical_flow import Flow, FlowEstimator
from models.streams.frame_batch import FrameBatch


def _flow(
    *times_s: float, velocity: tuple[float, float] = (0.1, 0.0), size: tuple[int, int] = (360, 240)
) -> list[Flow | None]:
    frames = [Frame(picture(at_s, velocity=velocity, size=size), at_s) for at_s in times_s]
    return FlowEstimator().flows(frames, [CameraContext()] * len(frames))  # one view, shared


def _median(flow: Flow | None) -> tuple[float, float]:
    assert flow is not None
    return float(np.median(flow.velocity[..., 0])), float(np.median(flow.velocity[..., 1]))


@pytest.mark.parametrize("velocity", [(0.1, 0.0), (-0.1, 0.0), (0.0, 0.1), (0.0, -0.08), (0.07, 0.07)])
def test_flow_is_the_velocity_in_long_sides_a_second(velocity: tuple[float, float]) -> None:
    assert _median(_flow(0.0, 0.1, velocity=velocity)[1]) == pytest.approx(velocity, abs=0.005)


@pytest.mark.parametrize("rate", [5, 10, 25])
def test_the_frame_rate_does_not_matter(rate: int) -> None:
    assert _median(_flow(0.0, 1 / rate)[1]) == pytest.approx((0.1, 0.0), abs=0.008)


@pytest.mark.parametrize("size", [(360, 240), (640, 360), (180, 120), (240, 400), (333, 219)])
def test_the_frame_size_does_not_matter(size: tuple[int, int]) -> None:
    velocity = (0.08, 0.05)
    assert _median(_flow(0.0, 0.2, velocity=velocity, size=size)[1]) == pytest.approx(velocity, abs=0.008)


@pytest.mark.parametrize("size", [(640, 32), (32, 640), (32, 32), (33, 47)])
def test_tiny_and_narrow_frames_have_a_finite_flow(size: tuple[int, int]) -> None:
    flow = _flow(0.0, 0.2, size=size)[1]
    assert flow is not None
    assert np.isfinite(flow.velocity).all()


def test_a_still_picture_has_no_velocity() -> None:
    flow = _flow(0.0, 0.2, velocity=(0.0, 0.0))[1]
    assert flow is not None
    assert float(np.abs(flow.velocity).max()) < 1e-6


def test_a_flow_knows_the_times_of_its_two_frames() -> None:
    flow = _flow(3.0, 3.25)[1]
    assert flow is not None
    assert (flow.since_s, flow.at_s) == (3.0, 3.25)


def test_the_first_frame_has_no_flow() -> None:
    assert _flow(0.0) == [None]


@pytest.mark.parametrize("second_s", [1.501, 60.0, 0.0, -5.0])
def test_nothing_is_compared_over_a_gap_or_back_in_time(second_s: float) -> None:
    flows = _flow(0.0, second_s, second_s + 0.2)
    assert flows[1] is None
    assert flows[2] is not None


def test_frames_that_were_left_out_change_no_flow_where_the_picture_before_comes_along() -> None:
    pictures = [picture(n / 5) for n in range(9)]
    every = FlowEstimator().flows([Frame(rgb, n / 5) for n, rgb in enumerate(pictures)], [CameraContext()] * 9)
    third = [Frame(pictures[n], n / 5, preceding=Frame(pictures[n - 1], (n - 1) / 5)) for n in (2, 5, 8)]
    for flow, same in zip(FlowEstimator().flows(third, [CameraContext()] * 3), every[2::3], strict=True):
        assert flow is not None
        assert same is not None
        assert (flow.since_s, flow.at_s) == (same.since_s, same.at_s)
        assert np.array_equal(flow.velocity, same.velocity)


def test_nothing_is_compared_across_a_discontinuity() -> None:
    view = CameraContext()
    frames = [Frame(picture(n / 5), n / 5, discontinuity=n == 2) for n in range(4)]
    result = FlowEstimator().flows(frames, [view] * 4)
    assert [flow is not None for flow in result] == [False, True, False, True]


def test_nothing_is_compared_across_a_change_of_size() -> None:
    view = CameraContext()
    sizes = [(360, 240), (360, 240), (320, 240), (320, 240)]
    frames = [Frame(picture(n / 5, size=size), n / 5) for n, size in enumerate(sizes)]
    result = FlowEstimator().flows(frames, [view] * 4)
    assert [flow is not None for flow in result] == [False, True, False, True]


def test_cameras_of_a_batch_do_not_mix_and_batches_do_not_matter() -> None:
    rates = {"slow": (0.02, 0.0), "fast": (0.0, 0.15)}
    shapes = {"slow": (360, 240), "fast": (640, 360)}

    def frame(name: str, n: int) -> Frame:
        return Frame(picture(n / 5, velocity=rates[name], size=shapes[name]), n / 5)

    mixed_views = {name: CameraContext() for name in rates}
    order = [(name, n) for n in range(4) for name in rates]
    frames, views = [frame(*key) for key in order], [mixed_views[name] for name, _ in order]
    mixed = dict(zip(order, FrameBatch(frames, views).flows, strict=True))
    for name in rates:
        view = CameraContext()
        for n in range(4):
            alone, together = FrameBatch([frame(name, n)], [view]).flows[0], mixed[name, n]
            assert (alone is None) == (together is None) == (n == 0)
            if alone is not None and together is not None:
                np.testing.assert_array_equal(alone.velocity, together.velocity)


def test_the_flow_of_a_frame_is_computed_once_for_all_who_ask() -> None:
    view = CameraContext()
    perception = FrameBatch([Frame(picture(n / 5), n / 5) for n in range(2)], [view] * 2)
    assert perception.flows is perception.flows
    assert perception.flows[1] is not None
