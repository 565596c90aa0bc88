"""In how much of the picture something is unusual: in a few places, or in most of them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import partial

import numpy as np

from models.engine.frame_scorer import FrameScore, FrameScorer
from models.frames.frame import Features
from models.profiles.profile import OF_PLACES


def share_over_level(scorer: FrameScorer, features: Sequence[Features], score: FrameScore) -> float:
    """Of the places that the leading stream judges in a frame, the share that would be over the alarm level each by
    itself: small where something is in the picture, large where the picture as a whole is another. 0 for a stream that
    finds its regions itself, as objects."""
    streams = scorer.bank.profile.streams
    leading = next((n for n, spec in enumerate(streams) if spec.name == score.driver), None)
    if leading is None or streams[leading].kind not in OF_PLACES:
        return 0.0
    distances = np.sort(scorer.bank.streams[leading].distances(features[leading]).mean(axis=1)).tolist()
    first = bisect_left(distances, scorer.rule.on, key=partial(scorer.score_alone, leading))
    return 1.0 - first / len(distances) if distances else 0.0
