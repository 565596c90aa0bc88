"""A stretch survives being written and read; whatever else is read is refused with a reason."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save
from stretches import KINDS, START_MS, some_stretch

from models.frames.frame import Features
from models.frames.view import View
from models.memory.samples import form_of
from models.memory.stretches.stretch import Exclusion, Stretch
from models.memory.stretches.stretch_file import facts_of, from_bytes, read_facts, to_bytes
from models.memory.stretches.stretch_identity import stretch_identity
from models.memory.stretches.vector_codec import pack, unpack
from models.profiles.profile import StreamKind, load_profile
from models.streams.place_stream import PLACES
from patchwatch.contract.errors import StretchError

DATA = to_bytes(some_stretch())


def assert_same(one: Stretch, other: Stretch) -> None:
    for name in ("started_ms", "kinds", "size", "thumbnails", "identity"):
        assert getattr(one, name) == getattr(other, name)
    for name in ("times_s", "runs", "scores", "excluded"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for ours, theirs in zip(one.features, other.features, strict=True):
        for left, right in zip(ours, theirs, strict=True):
            assert left.vectors.dtype == right.vectors.dtype
            for name in ("vectors", "boxes_xyxy_px", "groups"):
                np.testing.assert_array_equal(getattr(left, name), getattr(right, name))


@pytest.mark.parametrize("frames", [1, 2, 37])
def test_what_is_read_is_what_was_written(frames: int) -> None:
    stretch = some_stretch(frames=frames)
    assert_same(stretch, from_bytes(to_bytes(stretch)))


def test_frames_that_share_a_sample_share_it_again() -> None:
    stretch = from_bytes(to_bytes(some_stretch(frames=20, fps=10.0)))
    place = stretch.features[KINDS.index(StreamKind.PLACE)]
    assert place[1] is place[0]
    assert len({id(features) for features in place}) < 20


def test_only_the_places_that_count_are_kept() -> None:
    """As with zones: the same places in every frame, and which they are once."""
    stretch, counts = some_stretch(kinds=(StreamKind.PLACE,)), np.arange(PLACES) % 3 == 0
    [frames] = stretch.features
    view = View(ignored=(((0.0, 0.0), (0.5, 0.0), (0.5, 1.0)),))
    fewer = tuple(part.take(counts) if len(part) else part for part in frames)
    identity = stretch_identity(load_profile("motion"), {}, view)
    masked = replace(stretch, features=(fewer,), identity=identity)
    read = from_bytes(to_bytes(masked))
    assert_same(masked, read)
    assert read.identity.view == view
    mixed = replace(stretch, features=((*fewer[:3], *frames[3:]),))
    with pytest.raises(ValueError, match="different places"):
        to_bytes(mixed)


def test_a_stretch_of_silence_alone_keeps_the_dimension() -> None:
    none = tuple(Features.none(7) for _ in range(20))
    silent = some_stretch(kinds=(StreamKind.VELOCITY,))
    silent = Stretch(**{**vars(silent), "features": (none,)})
    assert_same(silent, from_bytes(to_bytes(silent)))


def test_the_facts_say_in_short_what_is_in_it() -> None:
    scores = [0.1] * 19 + [0.5]
    excluded = [Exclusion(0)] * 15 + [Exclusion.ALERT] * 5
    facts = facts_of(some_stretch(scores=scores, excluded=excluded))
    info = facts.info("x", 10)
    assert (info.started_ms, info.frames) == (START_MS, 20)
    assert [info.seconds, info.mean_score, info.max_score] == pytest.approx([3.8, 0.12, 0.5])
    assert info.excluded == pytest.approx(0.25)


def test_without_any_bank_the_rarity_is_unknown() -> None:
    info = facts_of(some_stretch(scores=[float("nan")] * 20)).info("x", 10)
    assert (info.mean_score, info.max_score) == (None, None)


@pytest.mark.parametrize("length", [0, 7, 8, 100, len(DATA) // 2, len(DATA) - 1])
def test_a_truncated_file_is_refused(length: int) -> None:
    with pytest.raises(StretchError, match="damaged"):
        from_bytes(DATA[:length])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(DATA) - 1), st.binary(min_size=1, max_size=64))
def test_a_file_with_other_bytes_in_it_is_refused_or_read_but_never_a_crash(at: int, garbage: bytes) -> None:
    try:
        stretch = from_bytes(DATA[:at] + garbage + DATA[at + len(garbage) :])
    except StretchError:
        return
    assert len(stretch) == 20


def changed(**arrays: object) -> bytes:
    tensors = load(DATA) | {name: np.asarray(value) for name, value in arrays.items()}
    head = json.loads(DATA[8 : 8 + int.from_bytes(DATA[:8], "little")])["__metadata__"]
    return save(tensors, metadata=head)


@pytest.mark.parametrize(
    "arrays",
    [
        {"times_s": np.zeros(20)},
        {"times_s": np.full(20, np.nan)},
        {"times_s": np.arange(20) * 1e6},
        {"times_s": np.arange(20, dtype=np.float32)},
        {"runs": np.zeros(19, np.int32)},
        {"0.dim": np.array([2**30], np.int32)},
        {"0.dim": np.array([-1], np.int32)},
        {"0.dim": np.array([], np.int32)},
        {"0.counts": np.array([2**31 - 1] * 3, np.int32)},
        {"0.counts": np.array([-1], np.int32)},
        {"0.counts": np.array([], np.int32)},
        {"0.index": np.full(20, 10**6, np.int32)},
        {"0.index": np.full(20, -3, np.int32)},
        {"0.vectors": np.zeros(100, np.uint8)},
        {"2.boxes": np.zeros((1, 4), np.float32)},
        {"2.groups": np.full(16, -1, np.int32)},
        {"thumbnail_sizes": np.array([-5], np.int32)},
        {"thumbnail_frames": np.array([99], np.int32)},
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused(arrays: dict[str, object]) -> None:
    with pytest.raises(StretchError, match="damaged"):
        from_bytes(changed(**arrays))


def test_a_bomb_is_not_unpacked() -> None:
    form = form_of(StreamKind.GLOBAL)
    bomb = pack(np.zeros((4000, 5000), np.float16), form)
    assert len(bomb) < 400_000
    with pytest.raises(ValueError, match="bytes of vectors"):
        unpack(bomb, (10, 5), form)
    with pytest.raises(ValueError, match="too many"):
        unpack(bomb, (40_000, 5000), form)


@pytest.mark.parametrize("kind", [StreamKind.PLACE, StreamKind.MOTION, StreamKind.GLOBAL, StreamKind.CATEGORY])
def test_packing_loses_nothing_of_the_largest_numbers_either(kind: StreamKind) -> None:
    form = form_of(kind)
    rows = form.regions[0] if form.regions else 3
    numbers = np.random.default_rng(1).choice(np.array([-65504, 65504, 0, 1.5, -0.25], np.float32), (4 * rows, 3))
    vectors = numbers.astype(form.dtype)
    for per_frame in (0, rows):
        packed = pack(vectors, form, per_frame)
        np.testing.assert_array_equal(unpack(packed, vectors.shape, form, per_frame), vectors)


def test_another_version_is_told_from_the_head_alone() -> None:
    later = DATA.replace(b'\\"format\\":1', b'\\"format\\":2')
    assert later != DATA
    with pytest.raises(StretchError, match="another version"):
        read_facts(later)
