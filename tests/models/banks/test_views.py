"""What a camera has seen of another view for a moment must not make it blind to everything else."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from yard import HEIGHT, PROFILE, WIDTH, engine, picture, seen

from models.banks.bank import Bank
from models.banks.bank_builder import BankBuilder
from models.banks.folds import FOLDS, Folds
from models.banks.views import views_of
from models.engine.frame_scorer import FrameScorer
from models.exemplars.provenance import StoredPicture, thumbnail
from models.frames.frame import Features

DAY, NIGHT = 150, 24
NOISE = np.random.default_rng(4)
PLACES, DIM = 24, 8


def looks(*of: tuple[float, int], noise: float = 0.1) -> list[Features]:
    """So many pictures that are all over at such a value."""
    boxes, groups = np.zeros((PLACES, 4), np.float32), np.arange(PLACES, dtype=np.int32)
    values = np.repeat([value for value, _ in of], [count for _, count in of])
    noisy = values[:, None, None] + NOISE.normal(0.0, noise, (len(values), PLACES, DIM))
    return [Features(vectors.astype(np.float32), boxes, groups) for vectors in noisy]


def changed(features: Features, places: slice, value: float) -> Features:
    vectors = features.vectors.copy()
    vectors[places] = value
    return Features(vectors, features.boxes_xyxy_px, features.groups)


def numbers(views: NDArray[np.int64]) -> list[tuple[int, int]]:
    """View and length of each stretch."""
    edges = np.flatnonzero(np.diff(views, prepend=-1, append=-1))
    return [(int(views[first]), int(last - first)) for first, last in pairwise(edges)]


def test_day_and_night_are_two_views_however_short_the_night_is() -> None:
    [(day, _), (night, _), (again, _)] = numbers(views_of(looks((0.0, 100), (5.0, 25), (0.0, 60))))
    assert (again, night) == (day, 1 - day)


def test_there_are_as_many_views_as_are_apart_whatever_comes_for_a_moment() -> None:
    moment = looks((90.0, 4), (-70.0, 3))
    views = views_of([*looks((0.0, 60)), *moment, *looks((5.0, 40), (-4.0, 30), (0.0, 30))])
    assert [length for _, length in numbers(views)][-3:] == [40, 30, 30]
    assert len(set(views.tolist())) == 3


def test_one_view_stays_one() -> None:
    """Who stands in a third of the picture for long makes no other view, nor does light that drifts, nor noise."""
    stands = [changed(one, slice(0, 8), 5.0) if 40 <= n < 90 else one for n, one in enumerate(looks((0.0, 150)))]
    drifts = looks(*((n / 20, 1) for n in range(150)))
    for single in (stands, drifts, looks((0.0, 150)), looks((0.0, 150), noise=0.0), looks((0.0, 5), (5.0, 5))):
        assert not views_of(single).any()


def test_silence_belongs_to_what_was_seen_before_it() -> None:
    silent = Features.none(DIM)
    frames = [silent, *looks((0.0, 40)), silent, *looks((5.0, 30)), silent]
    assert [length for _, length in numbers(views_of(frames))] == [42, 31]
    assert not views_of([silent] * 50).any()


def test_each_view_is_held_out_in_parts() -> None:
    views = np.repeat([0, 1, 0], [400, 24, 76])
    folds = Folds.take_turns(np.arange(500) / 5, np.ones(500, np.int64), 100.0, views)
    assert set(folds.of[views == 1]) == set(range(FOLDS))
    alone = Folds.take_turns(np.arange(500) / 5, np.ones(500, np.int64), 100.0, np.zeros(500, np.int64))
    assert np.array_equal(alone.of, Folds.take_turns(np.arange(500) / 5, np.ones(500, np.int64), 100.0).of)


@cache
def bank(night: int) -> Bank:
    """Of a day, and so many pictures of the night after it: fewer than there are in a fifth of the footage."""
    learner = BankBuilder(PROFILE, engine().streams, {})
    for n in range(DAY + night):
        rgb = picture(n, infrared=n >= DAY)
        learner.add(n / 5, seen(rgb), StoredPicture((WIDTH, HEIGHT), thumbnail(rgb)))
    return learner.build(["yard"])


@pytest.mark.parametrize("place", [slice(8, 24), slice(24, 40)])
def test_a_moment_of_night_costs_the_day_little(place: slice) -> None:
    def rarity(of: Bank) -> float:
        rgb = picture(9200, infrared=False)
        rgb[place, 40:56] = np.clip(rgb[place, 40:56].astype(int) + 60, 0, 255)
        return FrameScorer(of).score(seen(rgb), 0.0).raw

    assert rarity(bank(NIGHT)) > 0.7 * rarity(bank(0)) > 2.0
