"""Banks remember where their exemplars were seen, and keep thumbnails of the most useful moments within a limit."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_stream import features_at

from models.exemplars.provenance import LONG_SIDE_PX, FootageIndex, FootageMoments, Moment, thumbnail


def pixels(jpeg: bytes) -> np.ndarray:
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded


def footage_index(thumbnails_mb: float, frames: int = 10) -> FootageIndex:
    noise = np.random.default_rng(2)
    index = FootageIndex(thumbnails_mb)
    for n in range(frames):
        index.add(Moment(0, n / 5), noise.integers(0, 255, (90, 160, 3), np.uint8))
    return index


@pytest.mark.parametrize(("width", "height"), [(640, 360), (360, 640), (120, 40), (2000, 3)])
def test_a_thumbnail_keeps_the_shape_and_never_grows(width: int, height: int) -> None:
    small = pixels(thumbnail(np.full((height, width, 3), 90, np.uint8)))
    scale = min(1.0, LONG_SIDE_PX / max(width, height))
    assert small.shape[:2] == (max(1, round(height * scale)), max(1, round(width * scale)))


def test_a_thumbnail_keeps_its_colours() -> None:
    red = np.zeros((80, 160, 3), np.uint8)
    red[..., 0] = 200
    blue, _, back = pixels(thumbnail(red))[40, 80]
    assert back > 190
    assert blue < 10


def test_moments_are_those_referred_to_and_the_references_follow() -> None:
    moments, (first, second) = footage_index(4.0).moments([np.array([[7, 3], [7, 7]]), np.array([9])])
    assert [one.time_s for one in moments.moments] == [0.6, 1.4, 1.8]
    assert first.tolist() == [[1, 0], [1, 1]]
    assert second.tolist() == [2]
    assert all(moments.thumbnails)


def test_the_limit_keeps_what_most_exemplars_refer_to_each_stream_counting_alike() -> None:
    many, few = np.array([5] * 60 + [2] * 40), np.array([8, 8, 1])
    size = len(thumbnail(np.random.default_rng(2).integers(0, 255, (90, 160, 3), np.uint8)))
    moments, _ = footage_index(2.5 * size / 1e6).moments([many, few])
    kept = [one.time_s for one, jpeg in zip(moments.moments, moments.thumbnails, strict=True) if jpeg]
    assert kept == [1.0, 1.6]  # entries 5 (60 of 100) and 8 (2 of 3)


@given(limit_mb=st.floats(0, 0.2), referred=st.lists(st.integers(0, 9), min_size=1))
def test_thumbnails_stay_within_the_limit(limit_mb: float, referred: list[int]) -> None:
    moments, _ = footage_index(limit_mb).moments([np.array(referred)])
    assert len(b"".join(moments.thumbnails)) <= limit_mb * 1e6
    assert len(moments) == len(set(referred))


def test_no_limit_left_means_no_thumbnail_but_the_time() -> None:
    moments, _ = footage_index(0.0).moments([np.array([4])])
    assert moments == FootageMoments((Moment(0, 0.8),), (b"",))


def test_thinning_lets_go_of_all_other_pictures() -> None:
    index = footage_index(4.0)
    index.thin([0, 2, 4, 6, 8])
    moments, _ = index.moments([np.array([0, 1, 2, 3, 4])])
    assert [one.time_s for one in moments.moments] == [0.0, 0.4, 0.8, 1.2, 1.6]


def test_boxes_are_relative_to_the_picture_they_are_in() -> None:
    index = FootageIndex(0.0)
    for size in ((100, 200), (50, 20)):
        index.add(Moment(0, 0.0), np.zeros((*size, 3), np.uint8))
    features = features_at(0.0, 1.0, noise=np.random.default_rng(1))  # boxes of 10 x 20 pixels, side by side
    boxes = index.boxes(np.array([[0, 1]]), np.array([[1, 0]], np.int32), [features] * 2)
    assert boxes[0] == pytest.approx(np.array([[0.05, 0, 0.1, 0.2], [0, 0, 0.5, 0.4]]))


@given(
    st.lists(
        st.tuples(
            st.builds(Moment, st.integers(0, 9), st.floats(0, 1e6), st.none() | st.floats(0, 1e10)),
            st.binary(max_size=20),
        )
    )
)
def test_moments_survive_as_arrays(entries: list[tuple[Moment, bytes]]) -> None:
    moments = FootageMoments(tuple(one for one, _ in entries), tuple(jpeg for _, jpeg in entries))
    assert FootageMoments.from_arrays(moments.arrays()) == moments


def test_a_thumbnail_of_many_moments_is_in_memory_once() -> None:
    moments = FootageMoments(tuple(Moment(0, n / 5) for n in range(40)), (b"first",) * 20 + (b"second",) * 20)
    read = FootageMoments.from_arrays(moments.arrays())
    assert len({id(jpeg) for jpeg in read.thumbnails}) == 2
