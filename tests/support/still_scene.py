"""A still scene as the features of its places: what a thing that came, somebody who passes, and a nudge look like."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.banks.bank import Bank
from models.banks.bank_builder import BankBuilder
from models.engine.frame_scorer import FrameScorer
from models.frames.frame import Features, Frame
from models.memory.stretches.stretch import NOT_EXCLUDED, Exclusion, Stretch
from models.memory.stretches.stretch_collector import StretchCollector
from models.memory.stretches.stretch_identity import stretch_identity
from models.profiles.profile import Fusion, Profile, StreamKind, StreamSpec
from models.streams.place_stream import COLUMNS, DIM, PLACES, PlaceStream, place_boxes

FPS = 2
SIZE = 320, 180
_BASE = np.random.default_rng(3).normal(0, 1, (PLACES, DIM)).astype(np.float32)
_THING = np.random.default_rng(4).normal(0, 1.5, DIM).astype(np.float32)
_NUDGED = np.random.default_rng(5).normal(0, 0.8, (PLACES, DIM)).astype(np.float32)
_PICTURE = np.kron(np.random.default_rng(6).integers(40, 220, (15, 20)), np.ones((12, 16))).astype(np.uint8)
BOX = tuple(row * COLUMNS + column for row in range(2, 6) for column in range(3, 6))  # on the left, above
SHELF = tuple(row * COLUMNS + column for row in range(9, 13) for column in range(18, 21))  # on the right, below
PROFILE = Profile(
    "still", Fusion.CALIBRATED, (StreamSpec("place", StreamKind.PLACE, 1.0, options={"exemplars": 4}),), seeds=(42,)
)


def places(
    rng: np.random.Generator,
    *,
    shelf: bool = False,
    box: bool = False,
    nudged: bool = False,
    person: int | None = None,
    shade: float = 0.0,
) -> Features:
    """Of one frame. ``person``: the first of the places where somebody stands. ``shade``: how much of one falls on the
    left, of which a twentieth of what the box is like can be told from noise."""
    vectors = _BASE + rng.normal(0, 0.05, (PLACES, DIM)).astype(np.float32)
    if shelf:
        vectors[list(SHELF)] += _THING
    if box:
        vectors[list(BOX)] += _THING
    vectors[list(BOX)] += shade * _THING
    if nudged:
        vectors += _NUDGED
    if person is not None:
        vectors[[person, person + 1, person + COLUMNS]] += rng.normal(0, 2.0, DIM).astype(np.float32)
    return Features(vectors.astype(np.float32), place_boxes(*SIZE), np.arange(PLACES, dtype=np.int32))


@cache
def bank() -> Bank:
    """Learnt from two minutes of the scene as it was."""
    rng = np.random.default_rng(7)
    builder = BankBuilder(PROFILE, [PlaceStream("place", 4, 240)], {"networks": {}})
    for n in range(120 * FPS):
        builder.add(n / FPS, (places(rng),), picture())
    return builder.build(["normal.mp4"])


def picture(*, nudged: bool = False) -> NDArray[np.uint8]:
    return np.repeat(np.roll(_PICTURE, (3, 5), axis=(0, 1))[..., None] if nudged else _PICTURE[..., None], 3, axis=2)


def stretch(
    started_ms: int,
    seconds: float = 30.0,
    *,
    shelf: bool = False,
    box: bool = False,
    nudged: bool = False,
    walks: bool = False,
    stands: int | None = None,
    shaded: bool = False,
) -> Stretch:
    """As it was scored live and remembered: what is over the level is excluded. ``walks``: somebody does, across the
    picture. ``stands``: somebody does, at this place, and moves a little. ``shaded``: faintly, and now and then just
    enough to alarm."""
    rng = np.random.default_rng(started_ms % 2**32)
    scorer, known = FrameScorer(bank()), bank()
    collector = StretchCollector([StreamKind.PLACE], stretch_identity(PROFILE, known.identity, known.view))
    for n in range(round(seconds * FPS)):
        person = stands if stands is not None else 4 * COLUMNS + n % (COLUMNS - 2) if walks else None
        shade = (0.067 if n % 9 < 4 else 0.02) if shaded else 0.0
        features = places(rng, shelf=shelf, box=box, nudged=nudged, person=person, shade=shade)
        score = scorer.score([features], n / FPS, discontinuity=n == 0)
        excluded = Exclusion.ALERT if score.event_open or score.score >= scorer.rule.on else NOT_EXCLUDED
        collector.add(
            Frame(picture(nudged=nudged), n / FPS), started_ms + 1000 * n // FPS, 1, [features], score=score.score,
            excluded=excluded,
        )  # fmt: skip
    return collector.finish()
