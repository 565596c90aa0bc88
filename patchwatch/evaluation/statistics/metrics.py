"""Areas under the ROC curve, over all frames and per clip; average precision; the curve itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

Scores = NDArray[np.float64]
Truth = NDArray[np.bool_]
MAX_POINTS = 200


def auroc(scores: Scores, truth: Truth) -> float | None:
    """Chance that an anomalous frame scores above a normal one, ties counting half; None without both classes.

    ``scores``: (frames,), higher is more anomalous; ``truth``: bool (frames,), anomalous. By the Mann-Whitney statistic
    (Hanley & McNeil, Radiology 1982).
    """
    _check(scores, truth)
    anomalous, normal = scores[truth], scores[~truth]
    if not len(anomalous) or not len(normal):
        return None
    return float(mannwhitneyu(anomalous, normal, method="asymptotic").statistic / (len(anomalous) * len(normal)))


def micro_auroc(scores: Sequence[Scores], truths: Sequence[Truth]) -> float | None:
    """One curve over the frames of all clips together: it needs one threshold that fits all clips."""
    return auroc(np.concatenate(scores), np.concatenate(truths))


def macro_auroc(scores: Sequence[Scores], truths: Sequence[Truth]) -> float | None:
    """Mean over the clips that hold both classes; None when there is no such clip."""
    areas = [auroc(clip_scores, truth) for clip_scores, truth in zip(scores, truths, strict=True)]
    defined = [area for area in areas if area is not None]
    return float(np.mean(defined)) if defined else None


def average_precision(scores: Scores, truth: Truth) -> float | None:
    """Area under the precision-recall curve as the sum of precision times the step in recall, over the distinct scores
    from the highest down, without interpolation; None without anomalous frames."""
    _check(scores, truth)
    if not truth.any():
        return None
    true, false = _counts(scores, truth)
    precision = true / (true + false)
    return float((np.diff(true, prepend=0) * precision).sum() / true[-1])


def roc_points(scores: Scores, truth: Truth, limit: int = MAX_POINTS) -> list[tuple[float, float]]:
    """The ROC curve as (false positive rate, true positive rate), from (0, 0) to (1, 1), at most ``limit`` points,
    evenly along the curve; empty without both classes."""
    _check(scores, truth)
    if truth.all() or not truth.any():
        return []
    true, false = (np.concatenate([[0.0], counts / counts[-1]]) for counts in _counts(scores, truth))
    length = true + false  # Length of the staircase up to each point, which rises at every point.
    if len(length) > limit:
        chosen = np.unique(np.searchsorted(length, np.linspace(0.0, length[-1], limit)).clip(max=len(length) - 1))
        true, false = true[chosen], false[chosen]
    return [(float(x), float(y)) for x, y in zip(false, true, strict=True)]


def _counts(scores: Scores, truth: Truth) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Anomalous and normal frames at or above each distinct score, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    true = np.cumsum(truth[order])[ends].astype(np.float64)
    return true, ends + 1.0 - true


def _check(scores: Scores, truth: Truth) -> None:
    if scores.shape != truth.shape:
        raise ValueError(f"{scores.shape} scores for {truth.shape} labels")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
