"""Area under the ROC curve, over all frames and per clip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

Scores = NDArray[np.float64]
Truth = NDArray[np.bool_]


def auroc(scores: Scores, truth: Truth) -> float | None:
    """Chance that an anomalous frame scores above a normal one, ties counting half; None without both classes.

    ``scores``: (frames,), higher is stranger; ``truth``: bool (frames,), anomalous. By the Mann-Whitney statistic
    (Hanley & McNeil, Radiology 1982).
    """
    if scores.shape != truth.shape:
        raise ValueError(f"{scores.shape} scores for {truth.shape} labels")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
    anomalous, normal = scores[truth], scores[~truth]
    if not len(anomalous) or not len(normal):
        return None
    return float(mannwhitneyu(anomalous, normal, method="asymptotic").statistic / (len(anomalous) * len(normal)))


def micro_auroc(scores: Sequence[Scores], truths: Sequence[Truth]) -> float | None:
    """One curve over the frames of all clips together: asks for one threshold that fits them all."""
    return auroc(np.concatenate(scores), np.concatenate(truths))


def macro_auroc(scores: Sequence[Scores], truths: Sequence[Truth]) -> float | None:
    """Mean over the clips that hold both classes; None when there is no such clip."""
    areas = [auroc(one, truth) for one, truth in zip(scores, truths, strict=True)]
    defined = [area for area in areas if area is not None]
    return float(np.mean(defined)) if defined else None
