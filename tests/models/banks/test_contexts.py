"""A camera's normal falls into contexts where its own footage shows that this helps, and never leaves a hole."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_patches import known_patches
from numpy.typing import NDArray

from models.banks.bank import Bank, StreamBank, frame_distance
from models.banks.bank_builder import BankBuilder
from models.banks.bank_file import load_bank, save_bank
from models.banks.context_split import divide
from models.banks.contexts import ContextGain, Contexts
from models.engine.engine import Engine
from models.engine.frame_explanation import explain
from models.engine.frame_scorer import FrameScorer
from models.exemplars.provenance import StoredPicture, thumbnail
from models.frames.frame import CameraContext, Features, Frame
from models.profiles.profile import Fusion, Profile, StreamKind, StreamSpec

SPEC = StreamSpec("place", StreamKind.PLACE, 1.0, options={"exemplars": 4, "frames": 40})
PROFILE = Profile("places", Fusion.CALIBRATED, (SPEC,), seeds=(1,))
HEIGHT, WIDTH = 64, 96
VISITS, VISIT = 8, 26  # how often the light changes, and pictures in between
APART_S = 9.0


def picture(number: int, *, infrared: bool, lit: float | None = None) -> NDArray[np.uint8]:
    """Of a yard. By day a textured wall that clouds pass over; infrared, the same wall without colour, hardly any of
    its texture left, and calm."""
    random, yard = np.random.default_rng(number), np.random.default_rng(5)
    wall = cv2.resize(yard.uniform(40, 220, (16, 24, 3)).astype(np.float32), (WIDTH, HEIGHT))
    if infrared:
        wall = np.repeat(0.25 * wall.mean(axis=2, keepdims=True) + 60.0, 3, axis=2)
    light = lit if lit is not None else 1.0 if infrared else 1.0 + 0.25 * np.sin(number * 1.7)
    patches = cv2.resize(random.normal(0.0, 1.0 if infrared else 9.0, (16, 24, 1)), (WIDTH, HEIGHT))
    return np.clip(light * wall + patches[..., None], 0, 255).astype(np.uint8)


def engine() -> Engine:
    return Engine(PROFILE, patch_network=known_patches())


def seen(rgb: NDArray[np.uint8]) -> tuple[Features, ...]:
    """A picture that has been there for a second."""
    context = CameraContext()
    shown = [Frame(rgb, at_s, discontinuity=not at_s) for at_s in (0.0, 0.5, 0.95)]
    return engine().extract(shown, [context] * len(shown))[-1]


def builder_of(lights: list[bool]) -> BankBuilder:
    """Of pictures nine seconds apart, by whether each is infrared."""
    learner = BankBuilder(PROFILE, engine().streams, {})
    for n, infrared in enumerate(lights):
        rgb = picture(n, infrared=infrared)
        learner.add(n * APART_S, seen(rgb), StoredPicture((WIDTH, HEIGHT), thumbnail(rgb)))
    return learner


@cache
def day_and_night() -> Bank:
    return builder_of([bool(n // VISIT % 2) for n in range(VISITS * VISIT)]).build(["yard"])


def with_a_thing(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    changed = rgb.copy()
    changed[24:40, 40:56] = np.clip(changed[24:40, 40:56].astype(int) + 25, 0, 255)
    return changed


def test_infrared_and_colour_are_told_apart_where_that_helps() -> None:
    contexts = day_and_night().streams[0].contexts
    assert contexts is not None
    assert set(contexts.names) == {"infrared", "colour"}
    assert contexts.gain.low > 0
    assert contexts.gain.apart > contexts.gain.together
    assert sum(contexts.seconds) == pytest.approx(VISITS * VISIT * APART_S, rel=0.02)


@pytest.mark.parametrize("infrared", [False, True])
def test_a_picture_is_compared_with_its_own_context(infrared: bool) -> None:
    bank = day_and_night()
    [features] = seen(picture(9001, infrared=infrared))
    score = FrameScorer(bank).score([features], 0.0)
    assert score.context == ("infrared" if infrared else "colour")
    [part] = explain(bank, [features], score)
    moments = [exemplar.moment.time_s for exemplar in part.nearest]
    assert [bool(int(time_s / APART_S) // VISIT % 2) for time_s in moments] == [infrared] * len(moments)


def test_what_is_strange_by_night_would_be_ordinary_by_day() -> None:
    bank = day_and_night()
    whole = replace(bank.streams[0], contexts=None)
    usual = [frame_distance(bank.streams[0], *seen(picture(9100 + n, infrared=True))) for n in range(20)]
    [strange] = seen(with_a_thing(picture(9200, infrared=True)))
    apart, together = frame_distance(bank.streams[0], strange), frame_distance(whole, strange)
    assert apart is not None
    assert together is not None
    assert apart.value > 2 * max(part.value for part in usual if part)
    assert apart.value > 2 * together.value


@pytest.mark.parametrize("lit", [0.15, 0.5, 2.0, 2.5])
def test_a_light_that_is_new_or_in_between_is_compared_with_all_of_normal(lit: float) -> None:
    bank = day_and_night()
    for mixed in (0.5, 1.0):
        day, night = (picture(9300, infrared=infrared, lit=lit) for infrared in (False, True))
        [features] = seen(np.asarray(mixed * day + (1.0 - mixed) * night, np.uint8))
        assert bank.streams[0].context_of(features) is None
        union = bank.streams[0].distances(features)
        stream = bank.streams[0]
        alone = [replace(part, scales=stream.scales).distances(features) for part in stream._parts]
        assert union == pytest.approx(np.minimum(*alone), rel=1e-4)


def test_one_light_or_one_night_is_not_split() -> None:
    nothing_but_day = [False] * 200
    one_night = [False] * 100 + [True] * 110
    for lights in (nothing_but_day, one_night):
        frames = [seen(picture(n, infrared=infrared))[0] for n, infrared in enumerate(lights)]
        assert divide(frames, APART_S) is None
    short = [seen(picture(n, infrared=bool(n // 25 % 2)))[0] for n in range(100)]
    assert divide(short, APART_S) is None
    assert divide(short, 4 * APART_S) is not None


def test_contexts_are_kept_in_the_file_of_the_bank(tmp_path: Path) -> None:
    bank = day_and_night()
    save_bank(bank, tmp_path / "bank")
    loaded = load_bank(tmp_path / "bank")
    assert loaded.id == bank.id
    before, after = bank.streams[0].contexts, loaded.streams[0].contexts
    assert before is not None
    assert after is not None
    assert (after.names, after.seconds, after.gain) == (before.names, before.seconds, before.gain)
    for infrared in (False, True):
        [features] = seen(picture(9400, infrared=infrared))
        assert np.array_equal(loaded.streams[0].distances(features), bank.streams[0].distances(features))


@given(st.integers(0, 2**32 - 1))
def test_no_picture_is_stranger_to_all_of_normal_than_to_any_context(seed: int) -> None:
    """So a switch of the light opens no hole and raises no alarm of its own."""
    noise = np.random.default_rng(seed)
    scales = noise.uniform(0.5, 2.0, (2, 5)).astype(np.float32)
    centres = noise.normal(size=(2, 5, 4)).astype(np.float32)
    contexts = Contexts(
        ("a", "b"), centres, np.full(2, 9, np.float32), scales, (1.0, 1.0), ContextGain(0.0, 0.1, 0.01, 0.2)
    )
    bank = StreamBank(noise.normal(size=(3, 5, 6, 4)).astype(np.float32), scales=contexts.widest, contexts=contexts)
    features = Features(noise.normal(size=(5, 4)).astype(np.float32), np.zeros((5, 4), np.float32), np.arange(5, dtype=np.int32))
    union = np.minimum(*[part._unscaled(features) for part in bank._parts]) / contexts.widest[:, None]
    for part in bank._parts:
        assert (union <= part.distances(features) * (1 + 1e-6)).all()
