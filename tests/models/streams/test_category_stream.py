"""A class never or rarely seen in normal footage stands out; a single wrong detection hardly does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_networks import DetectedObject, perception_of

from models.banks.bank import StreamBank, frame_distance
from models.frames.frame import HISTORY_S, CameraContext, Features, Frame
from models.profiles.profile import StreamKind, StreamSpec
from models.streams.category_stream import WINDOW_S, make
from patchwatch.contract.errors import ConfigurationError

CLASSES = ("person", "bicycle", "horse")
SPEC = StreamSpec("category", StreamKind.CATEGORY, 1.0)
PERSON: DetectedObject = ("person", 0.8, (10, 10, 30, 60))
BICYCLE: DetectedObject = ("bicycle", 0.6, (40, 30, 80, 60))
HORSE: DetectedObject = ("horse", 0.7, (100, 30, 140, 60))
PICTURE = np.zeros((90, 160, 3), np.uint8)


def _read(
    objects: list[list[DetectedObject]], *, fps: float = 5.0, view: CameraContext | None = None, start_s: float = 0.0
) -> list[Features]:
    frames = [Frame(PICTURE, start_s + n / fps) for n in range(len(objects))]
    return make(SPEC, CLASSES).extract(perception_of(frames, objects, view or CameraContext()))


def _evidence(features: Features, label: str) -> float:
    group = CLASSES.index(label) + 1
    return float(features.vectors[features.groups == group].sum())


def _bank(normal: list[Features]) -> StreamBank:
    return StreamBank(np.stack([make(SPEC, CLASSES).exemplars(normal, seed).vectors for seed in (42, 123)]))


def _distance(bank: StreamBank, features: Features) -> float:
    result = frame_distance(bank, features)
    assert result is not None
    return result.value


@pytest.mark.parametrize("fps", [2.0, 5.0, 10.0, 25.0])
def test_evidence_is_the_mean_confidence_over_the_last_moments_whatever_the_rate(fps: float) -> None:
    features = _read([[PERSON]] * int(3 * fps), fps=fps)[-1]
    assert _evidence(features, "person") == pytest.approx(0.8, rel=1e-3)


def test_one_wrong_detection_is_worth_a_third_and_is_soon_forgotten() -> None:
    features = _read([[PERSON]] * 10 + [[PERSON, HORSE]] + [[PERSON]] * 6)
    assert _evidence(features[10], "horse") == pytest.approx(0.7 / 3, rel=1e-3)
    assert _evidence(features[12], "horse") == pytest.approx(0.7 / 3, rel=1e-3)
    assert _evidence(features[13], "horse") == pytest.approx(0.0, abs=1e-6)


def test_a_class_has_the_box_of_its_most_confident_object() -> None:
    other: DetectedObject = ("bicycle", 0.4, (0, 0, 20, 20))
    features = _read([[other, BICYCLE]])[0]
    assert features.boxes_xyxy_px[features.groups == 2].tolist() == [[40, 30, 80, 60]]


def test_a_class_never_seen_is_as_far_as_its_evidence_and_a_usual_one_is_near() -> None:
    bank = _bank(_read([[PERSON]] * 100))
    assert _distance(bank, _read([[PERSON]] * 10)[-1]) == pytest.approx(0.0, abs=1e-3)
    assert _distance(bank, _read([[PERSON, BICYCLE]] * 10)[-1]) == pytest.approx(0.6, abs=0.01)


def test_a_class_seen_in_one_frame_in_a_thousand_is_still_rare() -> None:
    normal = _read([[PERSON]] * 500 + [[PERSON, HORSE]] + [[PERSON]] * 500)
    assert _distance(_bank(normal), _read([[PERSON, HORSE]] * 10)[-1]) == pytest.approx(0.7, abs=0.01)


def test_an_empty_place_is_normal_and_the_first_person_is_not() -> None:
    bank = _bank(_read([[]] * 50))
    assert _distance(bank, _read([[]] * 5)[-1]) == 0.0
    assert _distance(bank, _read([[PERSON]] * 10)[-1]) == pytest.approx(0.8, abs=0.01)


def test_exemplars_name_the_frame_and_region_they_were_seen_in() -> None:
    normal = _read([[]] * 10 + [[PERSON]] * 30 + [[PERSON, BICYCLE]] * 30)
    drawn = make(SPEC, CLASSES).exemplars(normal, 42)
    for group in range(len(CLASSES) + 1):
        for vector, frame, region in zip(drawn.vectors[group], drawn.frames[group], drawn.regions[group], strict=True):
            features = normal[frame]
            there = int(features.groups[region]) == group
            assert float(vector[0]) == (float(features.vectors[region, 0]) if there else 0.0)


def test_after_a_gap_what_was_before_is_forgotten() -> None:
    view = CameraContext()
    _read([[HORSE]] * 10, view=view)
    assert _evidence(_read([[PERSON]], view=view, start_s=30.0)[0], "horse") == 0.0


@settings(deadline=None, max_examples=30)
@given(
    steps_s=st.lists(st.sampled_from([0.04, 0.1, 0.2, 0.35]), min_size=6, max_size=20),
    cut=st.integers(1, 19),
)
def test_a_camera_restarted_from_its_recent_frames_goes_on_with_equal_evidence(steps_s: list[float], cut: int) -> None:
    times_s = np.round(np.cumsum(steps_s), 3).tolist()
    cut = min(cut, len(times_s) - 1)
    result = [[PERSON] if n % 3 else [BICYCLE, PERSON] for n in range(len(times_s))]
    frames = [Frame(PICTURE, at_s) for at_s in times_s]
    stream = make(SPEC, CLASSES)
    whole = stream.extract(perception_of(frames, result, CameraContext()))
    recent = [n for n in range(cut) if times_s[n] >= times_s[cut - 1] - HISTORY_S]
    kept = [*recent, *range(cut, len(frames))]
    restarted = stream.extract(perception_of([frames[n] for n in kept], [result[n] for n in kept], CameraContext()))
    assert WINDOW_S + max(steps_s) <= HISTORY_S
    for before, after in zip(whole[cut:], restarted[len(recent) :], strict=True):
        np.testing.assert_array_equal(before.vectors, after.vectors)


@pytest.mark.parametrize("options", [{"movers": True}, {"window_s": 2}, {"classes": "person"}])
def test_a_wrong_option_is_named(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        make(StreamSpec("category", StreamKind.CATEGORY, 1.0, options=options), CLASSES)
