"""A thing is over the alarm level in a few places, another picture in most of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from moving_scene import FPS, scene
from scene_bank import bank_of_the_scene

from models.engine.engine import Engine
from models.engine.frame_scorer import FrameScorer
from models.engine.places_over_level import share_over_level
from models.frames.frame import CameraContext, Frame
from models.profiles.profile import load_profile
from workers.inference.recording.new_view import MOST_PLACES


def test_a_thing_is_over_the_level_in_few_places_and_another_picture_in_most() -> None:
    engine, context = Engine(load_profile("motion")), CameraContext()
    scorer = FrameScorer(bank_of_the_scene(engine))

    def share(start: int, picture: Callable[[float, int], np.ndarray]) -> float:
        frames = [Frame(picture((start + n) / FPS, n), (start + n) / FPS, n == 0) for n in range(12)]
        scored = [
            (features, scorer.score(features, frame.at_s, discontinuity=frame.discontinuity))
            for frame, features in zip(frames, engine.extract(frames, [context] * 12), strict=True)
        ]
        return share_over_level(scorer, *scored[-1])

    assert share(0, lambda at_s, n: scene(at_s)) == 0
    assert 0 < share(100, lambda at_s, n: scene(at_s, rush=True)) < MOST_PLACES
    assert share(200, lambda at_s, n: np.roll(scene(at_s), 3 * n, axis=(0, 1))) > 0.9
