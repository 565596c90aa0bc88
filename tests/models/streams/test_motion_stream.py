"""The motion stream: what moves where, how fast and in which direction."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moving_texture import picture
from numpy.typing import NDArray

from models.banks.bank import StreamBank, frame_distance
from models.exemplars.coreset import greedy_k_center
from models.frames.frame import HISTORY_S, CameraContext, Features, Frame
from models.profiles.profile import StreamKind, StreamSpec
from models.streams.frame_batch import FrameBatch
from models.streams.motion_stream import CELLS, COLUMNS, DIRECTIONS, ROWS, cell_boxes, direct, make
from patchwatch.contract.errors import InsufficientFootageError

SPEC = StreamSpec("motion", StreamKind.MOTION, 1.0)
CENTRE = ROWS // 2 * COLUMNS + COLUMNS // 2


def _extract(frames: Sequence[Frame], view: CameraContext | None = None) -> list[Features]:
    view = view or CameraContext()
    return make(SPEC).extract(FrameBatch(frames, [view] * len(frames)))


def _film(
    times_s: Sequence[float], velocity: tuple[float, float] = (0.1, 0.0), size: tuple[int, int] = (360, 240)
) -> list[Frame]:
    return [Frame(picture(at_s, velocity=velocity, size=size), at_s) for at_s in times_s]


def _polar(degrees: float, speed: float = 0.1) -> tuple[float, float]:
    return speed * float(np.cos(np.radians(degrees))), speed * float(np.sin(np.radians(degrees)))


@pytest.mark.parametrize("direction", range(DIRECTIONS))
def test_each_direction_has_its_bin_and_the_bin_holds_the_speed(direction: int) -> None:
    features = _extract(_film((0.0, 0.2, 0.4), _polar(45 * direction)))[-1]
    vector = features.vectors[CENTRE]
    assert int(vector.argmax()) == direction
    assert vector[direction] == pytest.approx(0.1, rel=0.1)
    assert np.delete(vector, direction).max() < 0.02


@given(degrees=st.floats(0, 360), speed=st.floats(0.01, 2))
def test_a_velocity_is_split_exactly_along_its_two_nearest_directions(degrees: float, speed: float) -> None:
    velocity = np.array(_polar(degrees, speed), np.float32)
    parts = direct(velocity.reshape(1, 1, 2))[:, 0, 0]
    bearings = np.radians(45.0 * np.arange(DIRECTIONS))
    axes = np.stack([np.cos(bearings), np.sin(bearings)], axis=1)
    np.testing.assert_allclose(parts @ axes, velocity, atol=1e-5 * speed)
    assert (parts >= 0).all()
    assert (parts > 1e-5 * speed).sum() <= 2


@pytest.mark.parametrize("rate", [5, 10, 20])
def test_the_frame_rate_hardly_matters(rate: int) -> None:
    vectors = _extract(_film(np.arange(0, 1.01, 1 / rate).tolist()))[-1].vectors
    assert vectors[CENTRE] == pytest.approx([0.1, 0, 0, 0, 0, 0, 0, 0], abs=0.01)


@pytest.mark.parametrize("size", [(640, 360), (180, 120), (240, 360)])
def test_the_frame_size_hardly_matters_and_cells_cover_the_frame(size: tuple[int, int]) -> None:
    features = _extract(_film((0.0, 0.2, 0.4), size=size))[-1]
    assert features.vectors[CENTRE] == pytest.approx([0.1, 0, 0, 0, 0, 0, 0, 0], abs=0.012)
    assert features.boxes_xyxy_px.min() == 0.0
    assert features.boxes_xyxy_px[:, 2:].max(axis=0) == pytest.approx(size, abs=1e-3)


def test_a_cell_reports_what_moves_inside_its_box() -> None:
    patch = (0.5, 0.5, 0.75, 0.9)
    frames = [Frame(picture(n / 5, velocity=(0.1, 0.0), patch=patch), n / 5) for n in range(3)]
    features = _extract(frames)[-1]
    x1, y1, x2, y2 = features.boxes_xyxy_px.T / np.array([[360], [240], [360], [240]])
    inside = (x1 > 0.53) & (x2 < 0.72) & (y1 > 0.53) & (y2 < 0.87)
    outside = (x2 < 0.4) | (y2 < 0.4)
    assert inside.any()
    assert features.vectors[inside, 0].min() > 0.06
    assert features.vectors[outside].max() < 0.02


def test_boxes_overlap_by_half() -> None:
    boxes = cell_boxes(520, 340)
    assert boxes.shape == (CELLS, 4)
    assert boxes[0].tolist() == [0, 0, 40, 40]
    assert boxes[1].tolist() == [20, 0, 60, 40]
    assert boxes[COLUMNS].tolist() == [0, 20, 40, 60]


def test_there_is_nothing_to_say_before_the_second_frame_or_after_a_break() -> None:
    frames = [Frame(picture(at_s), at_s, discontinuity=at_s == 0.6) for at_s in (0.0, 0.2, 0.4, 0.6, 0.8, 3.0, 3.2)]
    assert [len(features) for features in _extract(frames)] == [0, CELLS, CELLS, 0, CELLS, 0, CELLS]


def test_motion_before_a_break_is_forgotten() -> None:
    fast = _film((0.0, 0.2, 0.4), (0.15, 0.0))
    still = [Frame(picture(0.0), 0.5 + n / 5, discontinuity=n == 0) for n in range(2)]
    assert float(_extract([*fast, *still])[-1].vectors.max()) < 1e-6


def test_the_window_is_half_a_second() -> None:
    """It moves for a second, then stands still."""
    frames = [Frame(picture(min(n / 10, 1.0), velocity=(0.1, 0.0)), n / 10) for n in range(18)]
    rightward = [features.vectors[CENTRE, 0] if len(features) else 0.0 for features in _extract(frames)]
    assert rightward[10] == pytest.approx(0.1, rel=0.1)
    assert rightward[12] == pytest.approx(0.06, rel=0.1)  # three fifths of the window still moved
    assert rightward[16] < 1e-6


# Steps with jitter, pauses and gaps past which nothing is compared.
_STEPS_S = st.lists(st.sampled_from([0.04, 0.1, 0.2, 0.21, 0.49, 0.5, 0.95, 1.0, 1.2]), min_size=6, max_size=14)


@settings(deadline=None, max_examples=25)
@given(steps_s=_STEPS_S, cut=st.integers(1, 13))
def test_a_camera_restarted_from_its_recent_frames_goes_on_with_equal_vectors(steps_s: list[float], cut: int) -> None:
    times_s = np.round(np.cumsum(steps_s), 3).tolist()
    cut = min(cut, len(times_s) - 1)
    frames = _tiny_film(tuple(times_s))
    whole = _extract(frames)
    recent = [frame for frame in frames[:cut] if frame.at_s >= times_s[cut - 1] - HISTORY_S]
    restarted = _extract([*recent, *frames[cut:]])
    for before, after in zip(whole[cut:], restarted[len(recent) :], strict=True):
        np.testing.assert_array_equal(before.vectors, after.vectors)


def _tiny_film(times_s: tuple[float, ...]) -> list[Frame]:
    return [Frame(picture(at_s % 3.0, velocity=(0.05, 0.03), size=(96, 64)), at_s) for at_s in times_s]


def test_batches_do_not_matter() -> None:
    frames = _film(np.arange(0, 1.2, 0.1).tolist())
    view = CameraContext()
    by_one = [_extract([frame], view)[0].vectors for frame in frames]
    for alone, together in zip(by_one, _extract(frames), strict=True):
        np.testing.assert_array_equal(alone, together.vectors)


def test_exemplars_have_one_set_per_cell_and_depend_on_the_seed_alone() -> None:
    normal = _noise(40)

    def draw(seed: int) -> NDArray[np.float32]:
        return make(SPEC).exemplars(normal, seed).vectors

    assert draw(42).shape == (CELLS, 100, DIRECTIONS)
    assert draw(42).dtype == np.float32
    np.testing.assert_array_equal(draw(42), draw(42))
    assert not np.array_equal(draw(42), draw(123))


def test_an_exemplar_names_the_frame_and_the_cell_it_was_seen_in() -> None:
    normal = [Features.none(DIRECTIONS), *_noise(12), Features.none(DIRECTIONS), *_noise(5)]
    drawn = make(StreamSpec("motion", StreamKind.MOTION, 1.0, options={"exemplars": 20})).exemplars(normal, 42)
    for cell in (0, CENTRE, CELLS - 1):
        for vector, frame, region in zip(drawn.vectors[cell], drawn.frames[cell], drawn.regions[cell], strict=True):
            np.testing.assert_array_equal(normal[frame].vectors[region], vector)
            assert region == cell


def test_a_cell_knows_its_own_motion_and_no_other() -> None:
    vectors = np.zeros((CELLS, DIRECTIONS), np.float32)
    vectors[CENTRE, 2] = 0.5
    bank = StreamBank(make(SPEC).exemplars([_features(vectors)] * 3, 42).vectors[None])
    everywhere = np.zeros((CELLS, DIRECTIONS), np.float32)
    everywhere[:, 2] = 0.5
    known = bank.distances(_features(everywhere))[:, 0] < 1e-3
    assert np.flatnonzero(known).tolist() == [CENTRE]


def test_exemplars_of_a_cell_are_those_of_the_plain_greedy_choice() -> None:
    normal = _noise(30)
    drawn = make(StreamSpec("motion", StreamKind.MOTION, 1.0, options={"exemplars": 12})).exemplars(normal, 7).vectors
    candidates = np.stack([part.vectors[CENTRE] for part in normal])
    first = int(np.abs(candidates - drawn[CENTRE, 0]).sum(axis=1).argmin())
    plain = greedy_k_center(candidates, count=12, first=first)
    np.testing.assert_allclose(drawn[CENTRE], candidates[plain])


def test_few_frames_fill_the_bank_by_repeating_and_many_are_capped() -> None:
    few = make(SPEC).exemplars(_noise(2), 42).vectors
    assert few.shape == (CELLS, 100, DIRECTIONS)
    assert np.isfinite(few).all()
    capped = make(StreamSpec("motion", StreamKind.MOTION, 1.0, cap=18)).exemplars(_noise(30), 42).vectors
    assert len(np.unique(capped[CENTRE], axis=0)) <= 18


def test_no_motion_measured_is_too_little_footage() -> None:
    with pytest.raises(InsufficientFootageError, match="motion"):
        make(SPEC).exemplars([Features.none(DIRECTIONS)] * 50, 42)


def test_a_fast_mover_among_slow_ones_stands_out_where_it_is() -> None:
    slow = [_walk(start, 0.05) for start in (0.0, 2.0)]
    normal = [features for film in slow for features in _extract(film)]
    bank = StreamBank(np.stack([make(SPEC).exemplars(normal, seed).vectors for seed in (42, 123)]))
    calm = [result.value for features in _extract(_walk(1.0, 0.05)) if (result := frame_distance(bank, features))]
    features = _extract(_walk(1.0, 0.2))[-1]
    result = frame_distance(bank, features)
    assert result is not None
    assert result.value > 3 * max(calm)
    x1, y1, x2, y2 = features.boxes_xyxy_px[result.region]
    assert x1 < 0.8 * 360
    assert x2 > 0.5 * 360
    assert y1 < 0.9 * 240
    assert y2 > 0.5 * 240


def test_the_stream_needs_no_torch() -> None:
    code = "import sys, models.streams.motion_stream; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def _walk(start_s: float, speed: float) -> list[Frame]:
    patch = (0.5, 0.5, 0.8, 0.9)
    times_s = np.arange(0, 3, 0.2)
    return [
        Frame(picture((start_s + at_s) % 4, velocity=(speed, 0.0), patch=patch), start_s + at_s) for at_s in times_s
    ]


def _features(vectors: NDArray[np.float32]) -> Features:
    return Features(vectors, cell_boxes(360, 240), np.arange(CELLS, dtype=np.int32))


def _noise(frames: int) -> list[Features]:
    generator = np.random.default_rng(3)
    return [_features(generator.random((CELLS, DIRECTIONS), np.float32)) for _ in range(frames)]
