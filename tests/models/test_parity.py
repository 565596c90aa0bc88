"""The fast path equals the slow, obvious version of the method Patchwatch started from, on real frames."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import parts
import pytest
from numpy.typing import NDArray

parts.need("clip")

from real_frames import DETECTOR, PERSONS, frames_of, networks_for  # noqa: E402
from slow_reference import SlowBackbone, slow_boxes, slow_coreset, slow_crops, slow_score  # noqa: E402

from models.banks.bank import StreamBank, frame_distance  # noqa: E402
from models.engine.engine import Engine  # noqa: E402
from models.exemplars.coreset import draw_coreset  # noqa: E402
from models.frames.frame import CameraContext, Features, Frame  # noqa: E402
from models.networks.backbone import random_trunk  # noqa: E402
from models.profiles.fusion import fuse  # noqa: E402
from models.profiles.profile import Profile, load_profile  # noqa: E402

RELATIVE = 1e-3
RATIO = 0.3  # of few frames: more than one exemplar must be chosen


def reference() -> Profile:
    """Streams local, global; a larger share kept, since a test has few frames."""
    profile = load_profile("reference")
    return replace(profile, streams=tuple(replace(spec, ratio=RATIO, stride=1) for spec in profile.streams))


@cache
def normal_frames(data: Path) -> tuple[Frame, ...]:
    return frames_of(data / PERSONS, 0, 70, 9)


@cache
def later_frames(data: Path) -> tuple[Frame, ...]:
    return frames_of(data / PERSONS, 700, 120, 4)


@cache
def fast(data: Path) -> list[tuple[Features, ...]]:
    frames = normal_frames(data) + later_frames(data)
    return Engine(reference(), networks_for(data)).extract(frames, [CameraContext() for _ in frames])


@cache
def slow(data: Path) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Per frame the vectors of its persons and of the whole."""
    backbone = SlowBackbone(random_trunk(0).visual.state_dict())
    result = []
    for frame in normal_frames(data) + later_frames(data):
        boxes = slow_boxes(data / DETECTOR, frame.rgb)
        persons = [backbone.vector(crop) for crop in slow_crops(frame.rgb, boxes)]
        whole = [backbone.vector(crop) for crop in slow_crops(frame.rgb, np.array([[0, 0, frame.width, frame.height]]))]
        result.append((np.array(persons, np.float64).reshape(-1, 1536), np.array(whole, np.float64)))
    return result


def assert_close(fast_vectors: NDArray[np.float32], slow_vectors: NDArray[np.float64]) -> None:
    assert fast_vectors.shape == slow_vectors.shape
    if len(slow_vectors):
        gap = np.linalg.norm(fast_vectors - slow_vectors, axis=1) / np.linalg.norm(slow_vectors, axis=1)
        assert gap.max() < RELATIVE


def test_vectors_of_frames_and_persons_are_those_of_the_slow_version(data: Path) -> None:
    assert sum(len(local) for local, _ in slow(data)) >= 6
    for (local, whole), (slow_local, slow_whole) in zip(fast(data), slow(data), strict=True):
        assert_close(local.vectors, slow_local)
        assert_close(whole.vectors, slow_whole)


@pytest.mark.parametrize("stream", [0, 1])
@pytest.mark.parametrize("cap", [5, 20_000])
def test_the_same_exemplars_are_drawn(data: Path, stream: int, cap: int) -> None:
    count = len(normal_frames(data))
    mine = np.concatenate([frame[stream].vectors for frame in fast(data)[:count]])
    theirs = np.concatenate([frame[stream] for frame in slow(data)[:count]])
    for seed in reference().seeds:
        fast_choice = draw_coreset(mine, ratio=RATIO, cap=cap, seed=seed)
        assert fast_choice.tolist() == slow_coreset(theirs, RATIO, cap, seed)


def test_fused_scores_are_those_of_the_slow_version(data: Path) -> None:
    profile, count = reference(), len(normal_frames(data))
    engine = Engine(profile, networks_for(data))
    normal, later = fast(data)[:count], fast(data)[count:]
    banks = [
        StreamBank(np.stack([stream.exemplars([frame[n] for frame in normal], seed).vectors for seed in profile.seeds]))
        for n, stream in enumerate(engine.streams)
    ]
    weights = [spec.weight for spec in profile.streams]
    scores = []
    for frame in later:
        actual = [frame_distance(bank, features) for bank, features in zip(banks, frame, strict=True)]
        scores.append(fuse(profile.fusion, weights, [part.value if part else None for part in actual], [None, None]))
    slow_banks = []
    for stream in (0, 1):
        vectors = np.concatenate([frame[stream] for frame in slow(data)[:count]])
        slow_banks.append([vectors[slow_coreset(vectors, RATIO, 20_000, seed)] for seed in profile.seeds])
    expected = [slow_score(local, whole, slow_banks[0], slow_banks[1]) for local, whole in slow(data)[count:]]
    assert min(expected) > 0
    np.testing.assert_allclose(np.array(scores, np.float64), np.array(expected), rtol=5e-3)


def test_distances_to_the_exemplars_are_those_of_the_slow_version(data: Path) -> None:
    from scipy.spatial.distance import cdist

    count = len(normal_frames(data))
    whole = np.concatenate([frame[1].vectors for frame in fast(data)])
    bank = StreamBank(np.stack([whole[:3], whole[3:6]])[:, None])
    features = Features.ungrouped(whole[count:], np.zeros((len(whole) - count, 4), np.float32))
    theirs = np.concatenate([frame[1] for frame in slow(data)])
    expected = np.stack([cdist(theirs[count:], theirs[at : at + 3]).min(axis=1) for at in (0, 3)], axis=1)
    np.testing.assert_allclose(bank.distances(features), expected, rtol=5e-3)
