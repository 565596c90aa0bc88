"""How fast each mover moves for its size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_networks import DetectedObject, perception_of

from models.frames.frame import CameraContext, Features, Frame
from models.frames.optical_flow import Flow
from models.profiles.profile import StreamKind, StreamSpec
from models.streams.velocity_stream import DIM, make
from patchwatch.contract.errors import ConfigurationError, InsufficientFootageError

SPEC = StreamSpec("velocity", StreamKind.VELOCITY, 1.0)
CLASSES = ("person", "bicycle")
FRAME = Frame(np.zeros((240, 360, 3), np.uint8), 1.0)


def _flow(x: float, y: float, box: tuple[int, int, int, int]) -> Flow:
    velocity = np.zeros((240, 360, 2), np.float32)
    x1, y1, x2, y2 = box
    velocity[y1:y2, x1:x2] = (x, y)
    return Flow(velocity, 0.8, 1.0)


def _read(objects: list[DetectedObject], flow: Flow | None, spec: StreamSpec = SPEC) -> Features:
    return make(spec, CLASSES).extract(perception_of([FRAME], [objects], CameraContext(), [flow]))[0]


def test_a_vector_is_speed_in_heights_per_second_and_direction() -> None:
    box = (100, 50, 136, 122)  # 72 px high: a fifth of the long side
    features = _read([("person", 0.9, box)], _flow(0.1, -0.05, box))
    speed = np.hypot(0.1, 0.05) * 5
    np.testing.assert_allclose(features.vectors[:, :DIM], [[speed, speed, 0.5, -0.25]], rtol=1e-4)
    assert features.boxes_xyxy_px[0].tolist() == list(box)


@given(scale=st.sampled_from([0.5, 0.75, 1.5, 2.0]))
def test_who_is_twice_as_near_has_the_same_vector(scale: float) -> None:
    near = (40, 40, int(40 + 40 * scale), int(40 + 80 * scale))
    far = (40, 40, 80, 120)
    first = _read([("person", 0.9, far)], _flow(0.1, 0.0, far)).vectors[:, :DIM]
    second = _read([("person", 0.9, near)], _flow(0.1 * scale, 0.0, near)).vectors[:, :DIM]
    np.testing.assert_allclose(first, second, rtol=0.02)


def test_a_vector_ends_with_its_size_and_its_kind_unless_it_may_be_cut_off() -> None:
    moments: list[DetectedObject] = [
        ("bicycle", 0.9, (100, 50, 136, 122)),
        ("person", 0.9, (200, 180, 240, 239)),
        ("person", 0.9, (0, 50, 36, 122)),
    ]
    features = _read(moments, _flow(0.2, 0.0, (300, 10, 340, 50)))  # which moves without a class
    sizes = [[122 / 360, 0.2, 2], [239 / 360, 59 / 360, 0], [122 / 360, 0.2, 0], [50 / 360, 40 / 360, 0]]
    np.testing.assert_allclose(features.vectors[:, DIM:], sizes, rtol=0.03)


def test_perspective_comes_from_what_is_wholly_in_the_picture() -> None:
    normal = []
    for foot in range(60, 180):
        boxes: list[DetectedObject] = [
            ("person", 0.9, (100, foot // 2, 120, foot)),
            ("person", 0.9, (0, foot - 9, 9, foot)),
        ]
        normal.append(_read(boxes, _flow(0.0, 0.0, (0, 0, 1, 1))))
    slope, intercept, _ = make(SPEC, CLASSES).perspective(normal).line
    assert slope == pytest.approx(0.5, abs=0.02)
    assert intercept == pytest.approx(0.0, abs=0.01)


def test_classes_and_confidence_are_chosen_and_movers_join_unless_said_otherwise() -> None:
    flow = _flow(0.2, 0.0, (300, 10, 340, 50))
    moments: list[DetectedObject] = [
        ("person", 0.9, (10, 10, 30, 60)),
        ("person", 0.2, (50, 10, 70, 60)),
        ("dog", 0.9, (90, 10, 99, 60)),
    ]
    assert len(_read(moments, flow)) == 2
    only = StreamSpec("velocity", StreamKind.VELOCITY, 1.0, options={"movers": False, "classes": ["dog"]})
    assert len(_read(moments, flow, only)) == 1


def test_without_flow_or_objects_there_is_nothing_to_say() -> None:
    assert len(_read([("person", 0.9, (10, 10, 30, 60))], None)) == 0
    assert len(_read([], _flow(0.0, 0.0, (0, 0, 1, 1)))) == 0


def test_exemplars_are_as_many_as_asked_or_as_there_are() -> None:
    noise = np.random.default_rng(1)
    normal = [
        Features.ungrouped(noise.normal(size=(3, DIM)).astype(np.float32), np.zeros((3, 4), np.float32))
        for _ in range(200)
    ]
    assert make(SPEC).exemplars(normal, 42).vectors.shape == (1, 300, DIM)
    assert make(SPEC).exemplars(normal[:10], 42).vectors.shape == (1, 30, DIM)
    few = StreamSpec("velocity", StreamKind.VELOCITY, 1.0, options={"exemplars": 7})
    assert make(few).exemplars(normal, 42).vectors.shape == (1, 7, DIM)
    with pytest.raises(InsufficientFootageError):
        make(SPEC).exemplars([Features.none(DIM)] * 9, 42)


@pytest.mark.parametrize(
    "options",
    [
        {"exemplars": 0},
        {"exemplars": True},
        {"speed": 1},
        {"confidence": 2},
        {"draw": "best"},
        {"neighbours": 0},
        {"track_s": 1.5},
    ],
)
def test_a_wrong_option_is_named(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        make(StreamSpec("velocity", StreamKind.VELOCITY, 1.0, options=options))


# Along tracks ---------------------------------------------------------------------------------------------------

TRACKED = StreamSpec("velocity", StreamKind.VELOCITY, 1.0, options={"track_s": 0.6, "movers": False})


def _walk(
    speeds: list[float], view: CameraContext | None = None, first: int = 0, breaks: tuple[int, ...] = ()
) -> list[Features]:
    """Someone in one place, whose flow is each frame's speed; no flow in frames that ``breaks`` names."""
    frames = [Frame(np.zeros((240, 360, 3), np.uint8), n / 5) for n in range(first, first + len(speeds))]
    box = (100, 50, 136, 122)
    flows = [
        None if n in breaks else replace(_flow(speed, 0.0, box), since_s=(n - 1) / 5, at_s=n / 5)
        for n, speed in enumerate(speeds, start=first)
    ]
    found: list[list[DetectedObject]] = [[("person", 0.9, box)]] * len(speeds)
    return make(TRACKED, CLASSES).extract(perception_of(frames, found, view or CameraContext(), flows))


def test_speeds_are_averaged_along_a_track_and_sizes_are_the_frame_s() -> None:
    features = _walk([0.0, 0.2, 0.4, 0.6], breaks=(0,))
    assert [len(part) for part in features] == [0, 1, 1, 1]
    np.testing.assert_allclose([part.vectors[0, 0] for part in features[1:]], [1.0, 1.5, 2.0], rtol=1e-4)
    np.testing.assert_allclose(features[-1].vectors[0, DIM:], [122 / 360, 0.2, 1], rtol=1e-4)


def test_a_track_ends_where_a_view_begins() -> None:
    features = _walk([0.2, 0.2, 0.0, 0.6], breaks=(2,))
    assert features[-1].vectors[0, 0] == pytest.approx(3.0, rel=1e-4)


def test_without_tracks_nothing_is_remembered() -> None:
    view = CameraContext()
    perception = perception_of(
        [FRAME], [[("person", 0.9, (10, 10, 30, 60))]], view, [_flow(0.2, 0.0, (10, 10, 30, 60))]
    )
    make(SPEC, CLASSES).extract(perception)
    assert SPEC.name not in view.memory


@pytest.mark.parametrize("size", [1, 3])
def test_batches_change_no_track(size: int) -> None:
    speeds, view = [0.1 * n for n in range(12)], CameraContext()
    together = _walk(speeds)
    parts = [_walk(speeds[n : n + size], view, n) for n in range(0, 12, size)]
    for one, other in zip(together, [features for part in parts for features in part], strict=True):
        np.testing.assert_array_equal(one.vectors, other.vectors)


def test_a_random_draw_is_of_what_was_seen_and_says_where() -> None:
    noise = np.random.default_rng(1)
    normal = [
        Features.ungrouped(noise.normal(size=(n % 4, DIM)).astype(np.float32), np.zeros((n % 4, 4), np.float32))
        for n in range(200)
    ]
    random = StreamSpec("velocity", StreamKind.VELOCITY, 1.0, options={"draw": "random", "exemplars": 50})
    drawn = make(random).exemplars(normal, 42)
    assert drawn.vectors.shape == (1, 50, DIM)
    for vector, frame, region in zip(drawn.vectors[0], drawn.frames[0], drawn.regions[0], strict=True):
        np.testing.assert_array_equal(normal[frame].vectors[region], vector)
    assert not np.array_equal(drawn.vectors, make(SPEC).exemplars(normal, 42).vectors[:, :50])


def test_a_bank_for_tracks_of_another_length_is_another() -> None:
    assert make(TRACKED).preprocessing() != make(SPEC).preprocessing()
