"""What each place looks like, averaged over a second of an unbroken view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_patches import known_patches
from numpy.typing import NDArray

from models.banks.bank import StreamBank
from models.exemplars.coreset import greedy_k_center
from models.frames.frame import HISTORY_S, CameraContext, Features, Frame
from models.profiles.profile import StreamKind, StreamSpec
from models.streams import place_stream
from models.streams.frame_batch import FrameBatch
from models.streams.place_stream import COLUMNS, DIM, PLACES, ROWS, make, place_boxes
from patchwatch.contract.errors import ConfigurationError, InsufficientFootageError

SPEC = StreamSpec("place", StreamKind.PLACE, 1.0)
CENTRE = ROWS // 2 * COLUMNS + COLUMNS // 2
NOISE = np.random.default_rng(17)


def _extract(frames: Sequence[Frame], view: CameraContext | None = None) -> list[Features]:
    view = view or CameraContext()
    return make(SPEC).extract(FrameBatch(frames, [view] * len(frames), patch_network=known_patches()))


def _grey(level: float, width: int = 96, height: int = 64) -> NDArray[np.uint8]:
    return np.full((height, width, 3), level, np.uint8)


def _picture(number: int) -> NDArray[np.uint8]:
    return np.random.default_rng(number).integers(0, 256, (64, 96, 3), np.uint8)


def _spoken(frames: Sequence[Frame]) -> list[bool]:
    found = _extract(frames)
    assert {len(features) for features in found} <= {0, PLACES}
    return [bool(len(features)) for features in found]


def _noise(count: int) -> list[Features]:
    return [_features(NOISE.normal(size=(PLACES, DIM)).astype(np.float32)) for _ in range(count)]


def _features(vectors: NDArray[np.float32]) -> Features:
    return Features(vectors, place_boxes(96, 64), np.arange(PLACES, dtype=np.int32))


def _around(place: int) -> set[int]:
    """The place and those beside it, within the picture."""
    row, column = divmod(place, COLUMNS)
    rows = range(max(row - 1, 0), min(row + 2, ROWS))
    return {r * COLUMNS + c for r in rows for c in range(max(column - 1, 0), min(column + 2, COLUMNS))}


# A view and its window ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fps", [1, 5, 25])
def test_the_first_second_of_a_view_is_no_evidence(fps: int) -> None:
    spoken = _spoken([Frame(_picture(n), n / fps) for n in range(2 * fps + 1)])
    silent = spoken.index(True)
    assert 0.9 - 1e-6 <= silent / fps <= 1.0
    assert all(spoken[silent:])


def test_a_cut_a_new_size_and_a_clock_set_back_begin_a_view() -> None:
    steady = [Frame(_picture(n), n / 5) for n in range(10)]
    before = [False] * 5 + [True] * 5
    after = [Frame(_picture(n), 2.0 + n / 5, discontinuity=n == 0) for n in range(7)]
    assert _spoken([*steady, *after]) == before + [False] * 5 + [True] * 2
    larger = [Frame(_grey(n, 192, 128), 2.0 + n / 5) for n in range(7)]
    assert _spoken([*steady, *larger]) == before + [False] * 5 + [True] * 2
    earlier = [Frame(_picture(n), 1.0 + n / 5) for n in range(7)]
    assert _spoken([*steady, *earlier]) == before + [False] * 5 + [True] * 2


def test_what_was_seen_before_a_cut_is_forgotten() -> None:
    light = [Frame(_grey(250), n / 5) for n in range(10)]
    dark = [Frame(_grey(10), 2.0 + n / 5, discontinuity=n == 0) for n in range(6)]
    alone = _extract(dark)[-1]
    np.testing.assert_array_equal(_extract([*light, *dark])[-1].vectors, alone.vectors)


def test_a_gap_leaves_nothing_to_average_over() -> None:
    """As for a worker that was restarted meanwhile, which has only the frames after the gap."""
    frames = [Frame(_picture(n), n / 5) for n in range(10)]
    late = [Frame(_picture(n), 9.0 + n / 5) for n in range(6)]
    assert _spoken([*frames, *late])[10:] == [False] * 5 + [True]


def test_at_one_frame_a_second_each_may_come_late() -> None:
    assert _spoken([Frame(_picture(n), at_s) for n, at_s in enumerate((0.0, 1.0, 2.4, 3.0, 4.45))]) == [
        False,
        True,
        True,
        False,
        True,
    ]  # fmt: skip  (3.0: nothing from 1.1 to 2.1 says that the view lasted)


@pytest.mark.parametrize("gap_s", [0.4, 0.8, 1.2, 1.5])
def test_after_a_gap_as_many_samples_are_averaged_as_before_it(gap_s: float) -> None:
    """One alone has noise that a mean of five has not. What is older than the memory reaches is gone."""
    times_s = [n / 5 for n in range(10)]
    times_s += [times_s[-1] + gap_s + n / 5 for n in range(3)]
    frames = [Frame(_picture(n), at_s) for n, at_s in enumerate(times_s)]
    alone = [_extract([frame, replace(frame, at_s=frame.at_s + 1.0)])[-1].vectors for frame in frames]
    for number in (10, 11, 12):
        reached = [n for n in range(number - 4, number + 1) if times_s[number] - times_s[n] < HISTORY_S - 0.1]
        assert len(reached) >= 3
        mean = np.mean([alone[n] for n in reached], axis=0)
        np.testing.assert_allclose(_extract(frames[: number + 1])[-1].vectors, mean, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("fps", "back"), [(5, [0, 1, 2, 3, 4]), (10, [0, 2, 4, 6, 8]), (1, [0])])
def test_a_vector_is_the_mean_of_the_last_seconds_samples(fps: int, back: list[int]) -> None:
    frames = [Frame(_grey(20 * (n * n % 11)), n / fps) for n in range(2 * fps + 2)]
    single = [_extract([Frame(frame.rgb, at_s) for at_s in (0.0, 0.5, 1.0)])[-1].vectors for frame in frames]
    expected = np.mean([single[-1 - n] for n in back], axis=0)
    np.testing.assert_allclose(_extract(frames)[-1].vectors, expected, atol=1e-4)


def test_a_frame_between_samples_has_the_features_of_the_last_one() -> None:
    features = _extract([Frame(_picture(n), n / 25) for n in range(60)])
    same = [later is earlier for earlier, later in pairwise(features[30:])]
    assert same.count(False) == 6  # of 29 steps, five samples a second


# With jitter, pauses and gaps.
_STEPS_S = st.lists(
    st.sampled_from([0.04, 0.1, 0.2, 0.21, 0.5, 0.9, 0.95, 1.0, 1.2, 1.9, 5.0]), min_size=6, max_size=14
)


@settings(deadline=None, max_examples=60)
@given(steps_s=_STEPS_S, cut=st.integers(1, 13))
def test_a_camera_restarted_from_its_recent_frames_goes_on_with_equal_vectors(steps_s: list[float], cut: int) -> None:
    times_s = np.round(np.cumsum(steps_s), 3).tolist()
    cut = min(cut, len(times_s) - 1)
    frames = [Frame(_picture(n), at_s) for n, at_s in enumerate(times_s)]
    recent = [frame for frame in frames[:cut] if frame.at_s >= times_s[cut - 1] - HISTORY_S]
    restarted = _extract([*recent, *frames[cut:]])
    for before, after in zip(_extract(frames)[cut:], restarted[len(recent) :], strict=True):
        np.testing.assert_array_equal(before.vectors, after.vectors)


def test_batches_do_not_matter() -> None:
    frames, view = [Frame(_picture(n), n / 5) for n in range(12)], CameraContext()
    by_one = [_extract([frame], view)[0].vectors for frame in frames]
    for alone, together in zip(by_one, _extract(frames), strict=True):
        np.testing.assert_array_equal(alone, together.vectors)


def test_memory_holds_a_second_of_maps_and_no_more() -> None:
    view = CameraContext()
    for n in range(200):
        _extract([Frame(_grey(n), n / 25)], view)
    (kept,) = [value for name, value in view.memory.items() if name == "place"]
    assert isinstance(kept, place_stream._View)
    assert len(kept.maps) <= 5
    assert len(kept.times_s) <= 5 * HISTORY_S


# Places ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (97, 61), (1000, 20)])
def test_whatever_the_picture_s_shape_its_places_cover_it_and_lie_within(size: tuple[int, int]) -> None:
    features = _extract([Frame(_grey(90, *size), n / 5) for n in range(6)])[-1]
    assert features.vectors.shape == (PLACES, DIM)
    assert features.groups.tolist() == list(range(PLACES))
    boxes = features.boxes_xyxy_px
    assert boxes.min() == 0.0
    assert boxes[:, 2:].max(axis=0) == pytest.approx(size, rel=1e-6)
    assert (boxes[:, :2] < boxes[:, 2:]).all()


@pytest.mark.parametrize("size", [(192, 128), (128, 192)])
def test_a_place_sees_what_is_in_its_box(size: tuple[int, int]) -> None:
    """A portrait picture too: rows go down, columns go right."""
    width, height = size
    plain, marked = _grey(90, width, height), _grey(90, width, height)
    marked[height * 3 // 4 :, : width // 4] = 250
    bare, seen = (_extract([Frame(rgb, n / 5) for n in range(6)])[-1] for rgb in (plain, marked))
    changed = np.linalg.norm(seen.vectors - bare.vectors, axis=1) > 1e-3
    x1, y1, x2, y2 = seen.boxes_xyxy_px.T
    assert changed[(x2 < 0.2 * width) & (y1 > 0.8 * height)].all()
    assert not changed[(x1 > 0.4 * width) | (y2 < 0.6 * height)].any()


def test_a_box_is_a_place_with_half_of_each_neighbour() -> None:
    boxes = place_boxes(240, 160)
    assert boxes[0].tolist() == [0, 0, 15, 15]
    assert boxes[COLUMNS + 1].tolist() == [5, 5, 25, 25]
    assert boxes[-1].tolist() == [225, 145, 240, 160]


def test_the_projection_keeps_distances() -> None:
    """192 channels, as the embedded network's, of unlike strength."""
    patches = NOISE.normal(size=(60, 192)) * np.geomspace(0.1, 3.0, 192)
    projected = patches @ place_stream._projection(192)
    one, other = np.triu_indices(60, 1)
    ratio = np.linalg.norm(projected[one] - projected[other], axis=1) / np.linalg.norm(
        patches[one] - patches[other], axis=1
    )
    assert np.median(ratio) == pytest.approx(1.0, abs=0.05)
    assert np.mean(np.abs(ratio - 1.0) <= 0.25) > 0.95


def test_the_projection_is_the_same_on_every_machine() -> None:
    signs = np.sign(place_stream._projection(192))[:3, :8].astype(int).tolist()
    assert signs == [[-1, 1, -1, -1, -1, -1, 1, -1], [-1, 1, -1, 1, -1, -1, 1, -1], [1, 1, 1, 1, -1, 1, 1, 1]]


# Exemplars ------------------------------------------------------------------------------------------------------


def test_an_exemplar_comes_from_its_place_or_beside_it_and_names_where_it_was_seen() -> None:
    normal = [Features.none(DIM), *_noise(12), Features.none(DIM), *_noise(5)]
    drawn = make(SPEC).exemplars(normal, 42)
    assert drawn.vectors.shape == (PLACES, 64, DIM)
    assert drawn.vectors.dtype == np.float32
    assert drawn.regions.dtype == np.int32
    for place in (0, COLUMNS - 1, CENTRE, PLACES - 1):
        for vector, frame, region in zip(drawn.vectors[place], drawn.frames[place], drawn.regions[place], strict=True):
            np.testing.assert_array_equal(normal[frame].vectors[region], vector)
            assert int(region) in _around(place)
        assert len(set(drawn.regions[place].tolist())) > 1


def test_exemplars_are_those_of_the_plain_greedy_choice_among_place_and_neighbours() -> None:
    normal = _noise(10)
    drawn = make(SPEC).exemplars(normal, 7)
    candidates = np.concatenate([part.vectors[sorted(_around(CENTRE))] for part in normal])
    first = int(np.abs(candidates - drawn.vectors[CENTRE, 0]).sum(axis=1).argmin())
    plain = greedy_k_center(candidates, count=64, first=first)
    np.testing.assert_array_equal(drawn.vectors[CENTRE], candidates[plain])
    assert drawn.regions[CENTRE, 0] == CENTRE


def test_exemplars_depend_on_the_seed_alone() -> None:
    normal = _noise(20)
    one, again, other = (make(SPEC).exemplars(normal, seed).vectors for seed in (42, 42, 123))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_what_is_normal_beside_a_place_is_normal_there_and_elsewhere_it_is_not() -> None:
    vectors = np.zeros((PLACES, DIM), np.float32)
    vectors[CENTRE, 2] = 5.0
    bank = StreamBank(make(SPEC).exemplars([_features(vectors)] * 3, 42).vectors[None])
    everywhere = np.zeros((PLACES, DIM), np.float32)
    everywhere[:, 2] = 5.0
    known = bank.distances(_features(everywhere))[:, 0] < 1e-3
    assert set(np.flatnonzero(known).tolist()) == _around(CENTRE)


def test_three_frames_fill_the_bank_by_repeating_and_many_are_capped() -> None:
    few = make(SPEC).exemplars(_noise(3), 42)
    assert few.vectors.shape == (PLACES, 64, DIM)
    assert np.isfinite(few.vectors).all()
    assert len(np.unique(few.vectors[CENTRE], axis=0)) == 27
    capped = StreamSpec("place", StreamKind.PLACE, 1.0, options={"frames": 4, "exemplars": 9})
    drawn = make(capped).exemplars(_noise(30), 42)
    assert drawn.vectors.shape == (PLACES, 9, DIM)
    assert len(np.unique(drawn.frames)) <= 4


def test_vectors_kept_in_a_narrow_type_give_exemplars_of_the_full_one() -> None:
    normal = [Features(part.vectors.astype(np.float16), part.boxes_xyxy_px, part.groups) for part in _noise(4)]
    assert make(SPEC).exemplars(normal, 42).vectors.dtype == np.float32


def test_a_view_that_never_lasts_is_too_little_footage() -> None:
    with pytest.raises(InsufficientFootageError, match="no view lasted a second"):
        make(SPEC).exemplars([Features.none(DIM)] * 50, 42)


@pytest.mark.parametrize("options", [{"exemplars": 0}, {"frames": 0}, {"frames": 1.5}, {"ratios": 1}])
def test_a_wrong_option_is_named(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        make(StreamSpec("place", StreamKind.PLACE, 1.0, options=options))
