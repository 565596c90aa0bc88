"""What the networks found in a frame holds for those after it in which nothing changed, for a second at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import cast

import numpy as np
import pytest
from known_networks import detections
from known_patches import known_patches

from models.engine.engine import Engine
from models.frames.detections import DetectionQuery, Detections
from models.frames.frame import CameraContext, Frame
from models.frames.frame_reuse import FrameReuse, is_sample
from models.networks.networks import Networks
from models.profiles.profile import load_profile
from models.streams.frame_batch import FrameBatch
from patchwatch.evaluation.cost import CostMeter

FPS = 5.0
STILL = FrameReuse(2.0)


def frame(number: int, grey: int = 100, patch: int = 0, cut: bool = False) -> Frame:
    """A grey picture with a person-sized patch that differs by so many grey levels."""
    rgb = np.full((72, 128, 3), grey, np.uint8)
    rgb[20:40, 60:70] += np.uint8(patch)
    return Frame(rgb, number / FPS, cut)


def fresh(frames: Sequence[Frame], stillness: FrameReuse = STILL) -> list[bool]:
    return stillness.fresh(frames, [CameraContext()] * len(frames))


def test_by_default_every_frame_is_looked_at() -> None:
    assert fresh([frame(n) for n in range(10)], FrameReuse()) == [True] * 10


def test_a_still_camera_is_looked_at_once_a_second() -> None:
    assert fresh([frame(n) for n in range(10)]) == [True, False, False, False, False] * 2


def test_whoever_appears_is_looked_at_and_so_is_who_leaves() -> None:
    assert fresh([frame(0), frame(1, patch=20), frame(2, patch=20), frame(3)]) == [True, True, False, True]


def test_a_slow_change_adds_up() -> None:
    frames = [frame(n, grey=100 + n) for n in range(5)]  # each differs by one level from the one before
    assert fresh(frames) == [True, False, False, True, False]


def test_a_cut_and_another_size_are_looked_at() -> None:
    other = Frame(np.full((36, 64, 3), 100, np.uint8), 2 / FPS)
    assert fresh([frame(0), frame(1, cut=True), other]) == [True, True, True]


@pytest.mark.parametrize("start", [1, 3, 4])
@pytest.mark.parametrize("cut_at", [None, 7])
def test_who_goes_on_looks_at_the_same_frames_from_the_next_second_on(start: int, cut_at: int | None) -> None:
    frames = [frame(n, grey=100 + n % 3, cut=n == cut_at) for n in range(20)]
    whole, stopped = CameraContext(), CameraContext()
    expected = STILL.fresh(frames, [whole] * 20)
    STILL.fresh(frames[:start], [stopped] * start)
    again = stopped.renewed()
    assert STILL.fresh(frames[start:], [again] * (20 - start))[5 - start :] == expected[5:]
    assert (again.view_began_s, whole.view_began_s) == ((cut_at or 0) / FPS,) * 2


def test_cameras_whose_views_began_at_other_moments_take_turns() -> None:
    frames = [frame(n) for n in range(20)]
    looked_at = [[n for n, passes in enumerate(fresh(frames[first:]), start=first) if passes] for first in (0, 2)]
    assert looked_at == [[0, 5, 10, 15], [2, 7, 12, 17]]


@pytest.mark.parametrize("fps", [1, 5, 10, 12.5, 15, 20, 25, 30])
def test_times_that_jitter_by_rounding_give_the_same_frames(fps: float) -> None:
    times_s = [n / fps for n in range(100)]
    looked_at = []
    for start_s in (0.0, 1_795_857_285.304659):
        frames = [replace(frame(0), at_s=start_s + at_s) for at_s in times_s]
        looked_at.append(fresh(frames))
    assert looked_at[0] == looked_at[1]


def samples(times_s: Sequence[float]) -> list[bool]:
    context = CameraContext()
    return [is_sample(Frame(frame(0).rgb, at_s), context) for at_s in times_s]


@pytest.mark.parametrize(("fps", "every"), [(1, 1), (5, 1), (10, 2), (15, 3), (20, 4), (25, 5), (30, 6)])
def test_five_samples_a_second_are_taken(fps: int, every: int) -> None:
    for start_s in (0.0, 1_795_000_000.0):
        taken = samples([start_s + n / fps for n in range(200)])
        assert abs(sum(taken) - 200 / every) <= 1
        assert every == 1 or not any(now and then for now, then in pairwise(taken))


def test_jitter_costs_a_camera_at_five_frames_a_second_no_sample() -> None:
    times_s = np.arange(100) / 5 + np.random.default_rng(1).uniform(-0.05, 0.05, 100)
    assert all(samples(times_s.tolist()))


def test_a_cut_another_size_and_a_time_that_does_not_rise_are_samples() -> None:
    context, other = CameraContext(), Frame(np.zeros((36, 64, 3), np.uint8), 0.04)
    frames = [frame(0), Frame(frame(0).rgb, 0.02), Frame(frame(0).rgb, 0.03, True), other, Frame(other.rgb, 0.04)]
    assert [is_sample(one, context) for one in frames] == [True, False, True, True, True]


@pytest.mark.parametrize("start", [3, 4, 5, 6, 7])
def test_who_begins_later_takes_the_same_samples_from_the_next_slot_on(start: int) -> None:
    times_s = [n / 25 for n in range(40)]
    assert samples(times_s[start:])[5:] == samples(times_s)[start + 5 :]


class Counting:
    """A detector that finds one person where the number of the frame says, and a trunk that gives that number."""

    classes = ("person",)
    crop_queries = (DetectionQuery(("person",), 0.5),)

    def __init__(self) -> None:
        self.looked_at: list[int] = []

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        numbers = [round(frame.at_s * FPS) for frame in frames]
        self.looked_at += numbers
        return [detections(("person", 0.9, (number, 0.0, number + 10.0, 30.0))) for number in numbers]

    def embed(self, frames: Sequence[Frame], boxes: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
        assert len(frames) == len(boxes)
        whole = np.array([[round(frame.at_s * FPS)] for frame in frames], np.float32)
        return whole.reshape(-1, 1), [of[:, :1] for of in boxes]


@pytest.mark.parametrize("size", [1, 3, 12])
def test_finds_hold_for_the_still_frames_after_them_in_any_batches(size: int) -> None:
    views = CameraContext(), CameraContext()
    frames = [frame(n, patch=20 * (n >= 7)) for n in range(12)]
    networks, result = Counting(), []
    for at in range(0, len(frames), size):
        batch = [part for part in frames[at : at + size] for _ in views]  # two cameras that see the same
        perception = FrameBatch(batch, list(views) * (len(batch) // 2), cast("Networks", networks), STILL)
        boxes = [seen.boxes_xyxy_px[0, 0] for seen in perception.detections]
        crops = [vectors[0, 0] for vectors in perception.crop_vectors]
        assert boxes == crops == perception.frame_vectors[:, 0].tolist()
        assert [len(seen) for seen in perception.crops] == [1] * len(batch)
        result += boxes
    assert result[::2] == result[1::2] == [0, 0, 0, 0, 0, 5, 5, 7, 7, 7, 10, 10]
    assert networks.looked_at == [number for number in (0, 5, 7, 10) for _ in views]


def test_what_is_measured_is_as_still_as_what_is_live() -> None:
    engine = Engine(load_profile("objects"), cast("Networks", networks := Counting()), STILL, known_patches())
    CostMeter().extract(engine, [frame(n) for n in range(10)], CameraContext())
    assert networks.looked_at == [0, 5]


def test_a_stream_may_have_the_name_of_what_is_found() -> None:
    profile = load_profile("objects")
    named = tuple(replace(spec, name="detections") if spec.name == "category" else spec for spec in profile.streams)
    engine = Engine(replace(profile, streams=named), cast("Networks", Counting()), STILL, known_patches())
    assert len(engine.extract([frame(n) for n in range(10)], [CameraContext()] * 10)) == 10
