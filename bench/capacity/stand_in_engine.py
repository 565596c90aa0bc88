"""An engine in the place of networks and streams: it finds what a simulated camera marked, at a stated cost.

Everything around it is the product's: decoding, checks of the picture, comparison with a bank, events, commits.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.capacity.pictures import is_marked
from models.banks.bank import Bank
from models.banks.bank_builder import BankBuilder
from models.engine.engine import Engine
from models.exemplars.coreset import draw_coreset
from models.exemplars.exemplars import Exemplars
from models.frames.frame import Features
from models.profiles.profile import load_profile
from models.streams.frame_batch import FrameBatch

PROFILE = "stand-in"
PROFILES_FILE = """
[stand-in]
seeds = [1]
[[stand-in.streams]]
name = "marks"
kind = "motion"
weight = 1.0
"""
_DIM, _FAR = 6, 40.0
_LEARNT_FRAMES, _LEARNT_FPS = 600, 5.0
_PICTURE = np.full((90, 160, 3), 128, np.uint8)


class MarkStream:
    """One vector a frame: about 0, and far from there where the picture is marked."""

    resolution = 0.0
    look_back_s: float | None = None

    def __init__(self, frame_ms: float) -> None:
        self.name, self.dim = "marks", _DIM
        self._frame_s = frame_ms / 1000
        self._noise = np.random.default_rng(1)

    def extract(self, batch: FrameBatch) -> list[Features]:
        if self._frame_s:
            time.sleep(self._frame_s * len(batch.frames))
        return [self.features(marked=is_marked(frame.rgb)) for frame in batch.frames]

    def features(self, *, marked: bool) -> Features:
        vector = self._noise.normal(_FAR if marked else 0.0, 0.1, (1, _DIM)).astype(np.float32)
        return Features.ungrouped(vector, np.array([[0, 0, 32, 32]], np.float32))

    def exemplars(self, normal: Sequence[Features], seed: int) -> Exemplars:
        vectors = np.concatenate([features.vectors for features in normal])
        return Exemplars.ungrouped(normal, draw_coreset(vectors, ratio=0.1, cap=100, seed=seed))

    def preprocessing(self) -> dict[str, Any]:
        return {"stand_in": True}


def stand_in_engine(profiles_file: Path, frame_ms: float) -> Engine:
    """``frame_ms``: how long it takes over a frame, as if another device worked meanwhile."""
    engine = Engine(load_profile(PROFILE, profiles_file))
    engine.streams = [MarkStream(frame_ms)]
    return engine


def learnt_bank(engine: Engine) -> Bank:
    """What unmarked pictures look like."""
    learner, [stream] = BankBuilder(engine.profile, engine.streams, engine.identity), engine.streams
    assert isinstance(stream, MarkStream)
    for number in range(_LEARNT_FRAMES):
        learner.add(number / _LEARNT_FPS, (stream.features(marked=False),), _PICTURE)
    return learner.build(["simulated"])
