"""A view of a few places that things pass now and then, and a bank of it, for tests of what stays where it is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from plain_bank import IDENTITY
from plain_stream import DIM, PICTURE, PlainStream

from models.banks.bank import Bank
from models.banks.bank_builder import BankBuilder
from models.exemplars.exemplars import Exemplars
from models.frames.frame import Features
from models.profiles.profile import Fusion, Profile, StreamKind, StreamSpec

PLACES = 12
FPS = 5
EXEMPLARS = 60
GROUPS = np.arange(PLACES, dtype=np.int32)
BOXES = np.array([(10 * n, 40, 10 * n + 10, 60) for n in range(PLACES)], np.float32)
WATCHED = Profile(
    "watched",
    Fusion.CALIBRATED,
    (StreamSpec("place", StreamKind.PLACE, 1.0, group="place", staying_s=3.0),),
    seeds=(1, 2),
)
Thing = tuple[int, float]  # the place where it is, and how strange it looks


class PlacesStream(PlainStream):
    """A group for each place; some pictures are exemplars of all."""

    def exemplars(self, normal: Sequence[Features], seed: int) -> Exemplars:
        frames = np.random.default_rng(seed).choice(len(normal), EXEMPLARS, replace=False)
        vectors = np.stack([normal[n].vectors for n in frames], axis=1)
        regions = np.repeat(np.arange(PLACES, dtype=np.int32)[:, None], len(frames), axis=1)
        return Exemplars(vectors, np.tile(frames, (PLACES, 1)).astype(np.int32), regions)


def seen(noise: np.random.Generator, things: Sequence[Thing] = ()) -> Features:
    vectors = noise.normal(5.0, 0.1, (PLACES, DIM)).astype(np.float32)
    for place, strange in things:
        vectors[place] += strange
    return Features(vectors, BOXES, GROUPS)


def passes(n: int, strange: float) -> list[Thing]:
    """Somebody who walks through the view, three frames at each place, and comes again after as long a time."""
    place = n // 3 % (2 * PLACES)
    return [(place, strange)] if place < PLACES else []


@cache
def watched_bank() -> Bank:
    """Learnt from 4 minutes in which somebody passes again and again, each time looking another way."""
    learner = BankBuilder(WATCHED, [PlacesStream("place")], IDENTITY)
    noise = np.random.default_rng(8)
    looks = noise.uniform(1.0, 5.0, 100)
    for n in range(240 * FPS):
        learner.add(n / FPS, (seen(noise, passes(n, looks[n // (6 * PLACES)])),), PICTURE)
    return learner.build(["normal.mp4"])


def film(things_at: dict[int, list[Thing]], count: int = 150, seed: int = 9) -> list[tuple[Features]]:
    """``things_at``: what is there beside nothing, by number of the frame."""
    noise = np.random.default_rng(seed)
    return [(seen(noise, things_at.get(n, [])),) for n in range(count)]


def lies(place: int = 5, strange: float = 2.0, frames: range = range(60, 110)) -> dict[int, list[Thing]]:
    return {n: [(place, strange)] for n in frames}


def walks(strange: float = 2.0, start: int = 60) -> dict[int, list[Thing]]:
    return {start + n: passes(n, strange) for n in range(3 * PLACES)}
