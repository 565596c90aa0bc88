"""Whoever walks upright and moves as usual explains the places there; whoever lies, runs or is not seen does not."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from plain_bank import IDENTITY
from plain_stream import DIM, PICTURE, PlainStream

from models.banks.additions import Addition, Additions
from models.banks.bank import Bank
from models.banks.bank_builder import BankBuilder
from models.banks.bank_file import check_identity
from models.banks.rare_vectors import StreamVectors
from models.engine.explained_places import explained_places, explaining_streams
from models.engine.frame_scorer import FrameScore, FrameScorer
from models.frames.frame import Features
from models.memory.stretches.stretch_identity import stretch_identity
from models.profiles.profile import Fusion, Profile, StreamKind, StreamSpec
from models.streams.place_stream import COLUMNS, place_boxes
from patchwatch.contract.learning_advice import LEAST_MINUTES

UPRIGHT, LYING, FAR_AWAY = (20.0, 20.0, 30.0, 60.0), (10.0, 50.0, 50.0, 60.0), (130.0, 20.0, 140.0, 60.0)
PLACES = np.array([(x, 40, x + 20, 60) for x in range(0, 160, 10)], np.float32)
STRANGE = 3  # of the places: at the walker's feet
WALKING, RUNNING = 2.0, 4.0
PROFILE = Profile(
    "explained",
    Fusion.CALIBRATED,
    (
        StreamSpec("place", StreamKind.PLACE, 1.0, group="place", lasting_s=1.0, explained_by="velocity"),
        StreamSpec("velocity", StreamKind.VELOCITY, 1.0, group="behaviour"),
    ),
)
Frame = tuple[Features, Features]


def frame(
    noise: np.random.Generator,
    strange: bool = False,
    box: tuple[float, float, float, float] | None = UPRIGHT,
    speed: float = WALKING,
) -> Frame:
    """What is seen of the places, and somebody in a box."""
    places = noise.normal(5.0, 0.1, (len(PLACES), DIM)).astype(np.float32)
    if strange:
        places[STRANGE] += 3.0
    movers = noise.normal(speed, 0.1, (int(box is not None), DIM)).astype(np.float32)
    boxes = np.array([] if box is None else [box], np.float32).reshape(-1, 4)
    return Features.ungrouped(places, PLACES), Features.ungrouped(movers, boxes)


@cache
def bank(explained_by: str = "velocity") -> Bank:
    """Learnt from 60 s at 5 fps in which somebody walks and no place is strange."""
    place, velocity = PROFILE.streams
    profile = replace(PROFILE, streams=(replace(place, explained_by=explained_by), velocity))
    learner = BankBuilder(profile, [PlainStream("place"), PlainStream("velocity")], IDENTITY)
    noise = np.random.default_rng(3)
    for n in range(300):
        learner.add(n / 5, frame(noise), PICTURE)
    return learner.build(["normal.mp4"])


def film(*strange: int, box: tuple[float, float, float, float] | None = UPRIGHT, speed: float = WALKING) -> list[Frame]:
    noise = np.random.default_rng(4)
    return [frame(noise, n in strange, *((box, speed) if n in strange else ())) for n in range(40)]


def play(scorer: FrameScorer, shown: list[Frame], start: int = 0) -> list[FrameScore]:
    return [scorer.score(one, (start + n) / 5, discontinuity=start + n == 0) for n, one in enumerate(shown)]


def peak(of: Bank, shown: list[Frame]) -> float:
    """The highest score, in parts of the level for one false alarm an hour."""
    return max(scored.score for scored in play(FrameScorer(of), shown)) / of.threshold.at(24.0).on


@pytest.mark.parametrize(
    ("shown", "counts"),
    [
        (film(*range(20, 30)), False),
        (film(*range(20, 30), box=LYING), True),
        (film(*range(20, 30), box=FAR_AWAY), True),
        (film(*range(20, 30), box=None), True),
        (film(*range(20, 30), speed=RUNNING), True),
    ],
    ids=["walks there", "lies there", "walks elsewhere", "is not seen", "runs"],
)
def test_a_strange_place_counts_unless_somebody_walks_there(shown: list[Frame], counts: bool) -> None:
    assert (peak(bank(), shown) > 1.0) is counts
    assert peak(bank(""), shown) > 1.0


def test_where_all_is_explained_the_picture_is_calm_and_not_silent() -> None:
    everywhere = film(*range(20, 30), box=(0.0, 0.0, 160.0, 90.0 * 3))
    scores = play(FrameScorer(bank()), everywhere)[20:30]
    assert [score.rarities[0] for score in scores] == [0.0] * 10
    assert not any(FrameScorer(bank()).is_silent(score) for score in scores)


def test_the_level_is_of_all_that_held_out_footage_shows() -> None:
    assert bank().threshold.at(24.0).on == bank("").threshold.at(24.0).on
    assert bank().calibrations[0].levels.tolist() == bank("").calibrations[0].levels.tolist()


@pytest.mark.parametrize("cut", [1, 21, 25, 31])
def test_a_restart_goes_on_exactly(cut: int) -> None:
    shown = film(*range(20, 26)) + film(*range(2, 9), box=LYING)
    first, second = FrameScorer(bank()), FrameScorer(bank())
    got = play(first, shown[:cut])
    second.restore(json.loads(json.dumps(first.state())))
    assert got + play(second, shown[cut:], cut) == play(FrameScorer(bank()), shown)


def test_places_seen_again_with_somebody_else_there_are_judged_again() -> None:
    """Between two samples the places are those of the first, while objects are found in every frame."""
    places, walker = film(20)[20]
    lying = frame(np.random.default_rng(5), box=LYING)[1]
    scorer = FrameScorer(bank())
    rarities = [scorer.score((places, who), n / 10).rarities[0] for n, who in enumerate((lying, walker, lying))]
    assert rarities[0] == rarities[2]
    strange, explained = (rarity or 0.0 for rarity in rarities[:2])
    assert explained < 2.0 < strange


def test_a_bank_of_as_much_footage_as_is_advised_knows_where_people_walk() -> None:
    long = replace(bank(), footage=replace(bank().footage, seconds=60.0 * LEAST_MINUTES))
    assert explaining_streams(bank()) == (1, None)
    assert explaining_streams(long) == (None, None)
    assert peak(long, film(*range(20, 30))) == peak(bank(""), film(*range(20, 30)))


def test_additions_leave_explained_what_is() -> None:
    none = StreamVectors(np.zeros((0, DIM), np.float32), np.zeros(0, np.int32))
    other = StreamVectors(np.full((1, DIM), 9.0, np.float32), np.zeros(1, np.int32))
    scorer, plain = FrameScorer(bank()), FrameScorer(bank())
    scorer.use_additions(Additions(bank(), [Addition((other, none))]))
    shown = film(*range(20, 30))
    assert [one.score for one in play(scorer, shown)] == [one.score for one in play(plain, shown)]


def test_a_bank_from_before_goes_on_as_it_was_learnt() -> None:
    check_identity(bank(""), PROFILE, bank("").identity)
    assert explaining_streams(bank("")) == (None, None)
    assert stretch_identity(bank("").profile, {}).fingerprint == stretch_identity(PROFILE, {}).fingerprint


def test_without_places_or_anybody_nothing_is_explained() -> None:
    places, walker = film(20)[20]
    nothing = Features.none(DIM)
    stream, calibration = bank().streams[1], bank().calibrations[1]
    assert explained_places(nothing, walker, stream, calibration) is None
    assert explained_places(places, nothing, stream, calibration) is None
    explained = explained_places(places, walker, stream, calibration)
    assert explained is not None
    assert (explained[STRANGE], explained[-1]) == (True, False)


@pytest.mark.parametrize(("columns_away", "reached"), [(4.6, True), (4.9, False)])
def test_places_at_the_edge_are_explained_from_as_far_as_others(columns_away: float, reached: bool) -> None:
    """Their boxes are cut off there, and no smaller for that."""
    width, height = 240, 160
    boxes = place_boxes(width, height)
    left = Features.ungrouped(np.zeros((len(boxes), DIM), np.float32), boxes)
    x = columns_away * width / COLUMNS
    walker = Features.ungrouped(film()[0][1].vectors, np.array([[x, 60, x + 10, 100]], np.float32))
    explained = explained_places(left, walker, bank().streams[1], bank().calibrations[1])
    assert explained is not None
    assert bool(explained.reshape(-1, COLUMNS)[8, 0]) is reached
