"""A camera's normal falls into contexts where its own footage shows that this helps, and never leaves a hole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from yard import APART_S, VISIT, VISITS, day_and_night, picture, seen

from models.banks.additions import Addition, Additions
from models.banks.bank import StreamBank, frame_distance
from models.banks.bank_file import load_bank, save_bank
from models.banks.context_split import divide
from models.banks.contexts import ContextGain, Contexts
from models.banks.forgetting import without_exemplars_of
from models.banks.rare_vectors import rare_vectors
from models.engine.frame_explanation import explain
from models.engine.frame_scorer import FrameScorer
from models.frames.frame import Features


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
    usual = [frame_distance(bank.streams[0], seen(picture(9100 + n, infrared=True))[0]) for n in range(20)]
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
        [at_once] = stream.unscaled_distances([features])
        assert stream.in_scales(features, at_once) == pytest.approx(union, rel=1e-4)


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


def test_a_correction_counts_in_the_light_it_was_made_in_and_is_undone_to_the_bit() -> None:
    bank = day_and_night()
    strange = seen(with_a_thing(picture(9500, infrared=True)))
    scorer, other = FrameScorer(bank), FrameScorer(bank)
    before = scorer.score(strange, 0.0, discontinuity=True)
    scorer.use_additions(Additions(bank, [Addition(rare_vectors(bank, [strange]))]))
    corrected = scorer.score(strange, 10.0, discontinuity=True)
    assert corrected.unsmoothed < before.unsmoothed
    assert corrected.score_without_additions == before.score
    scorer.use_additions(None)
    assert scorer.score(strange, 20.0, discontinuity=True) == replace(
        other.score(strange, 20.0, discontinuity=True), events_began=False
    )


def test_a_restart_at_a_switch_of_the_light_changes_no_score() -> None:
    bank = day_and_night()
    frames = [seen(picture(9600 + n, infrared=n >= 5)) for n in range(10)]
    through, scorer = FrameScorer(bank), FrameScorer(bank)
    for n, features in enumerate(frames):
        state, scorer = scorer.state(), FrameScorer(bank)
        scorer.restore(state)
        assert scorer.score(features, n / 5) == through.score(features, n / 5)


def test_a_forgotten_night_is_strange_and_the_day_is_as_before() -> None:
    bank = day_and_night()
    moments = replace(
        bank.moments, moments=tuple(replace(one, captured_at_s=one.time_s) for one in bank.moments.moments)
    )
    nights = [
        (round(1000 * n * VISIT * APART_S), round(1000 * ((n + 1) * VISIT * APART_S - 1))) for n in range(1, VISITS, 2)
    ]
    forgetful = without_exemplars_of(replace(bank, moments=moments), nights)
    assert 0 < forgetful.removed < forgetful.exemplars
    for infrared in (False, True):
        [features] = seen(picture(9700, infrared=infrared))
        before, after = (frame_distance(one.streams[0], features) for one in (bank, forgetful.bank))
        assert before is not None
        assert after is not None
        assert (after.value > 100 * before.value) is infrared


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
    features = Features(
        noise.normal(size=(5, 4)).astype(np.float32), np.zeros((5, 4), np.float32), np.arange(5, dtype=np.int32)
    )
    union = np.minimum(*[part._unscaled(features) for part in bank._parts]) / contexts.widest[:, None]
    for part in bank._parts:
        assert (union <= part.distances(features) * (1 + 1e-6)).all()
