"""Views of one camera's normal, for holding it out: pictures that differ as a whole, as by day and by night.

docs/decisions/082-each-view-is-held-out-in-parts.md
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from models.alarms.calibration import MIN_VALUES
from models.banks.contexts import squares_to
from models.exemplars.coreset import greedy_k_center
from models.frames.frame import Features

APART = 2.5  # times as far from each other as nearly all pictures of either are from its mean, in half of the places
_NEARLY_ALL = 0.95
_CLUSTERS = 8  # that views are put together from
_MOST_SEEN = 600  # pictures they are found among


def views_of(frames: Sequence[Features]) -> NDArray[np.int64]:
    """Of each frame of the footage the number of its view, int64 (frames,), from 0; all 0 where it has a single one.

    ``frames``: of one stream, which judges the same places in every picture; where it was silent, a frame is of the
    view of the one before it. A view has `MIN_VALUES` frames at least; what came for a moment is of the one that is
    nearest to it.
    """
    spoke = np.array([n for n, features in enumerate(frames) if len(features)], np.int64)
    if not len(spoke) or len({len(frames[n]) for n in spoke}) > 1:
        return np.zeros(len(frames), np.int64)
    seen = spoke[np.linspace(0, len(spoke) - 1, min(len(spoke), _MOST_SEEN)).astype(int)]
    pictures = np.stack([frames[n].vectors for n in seen]).astype(np.float32)
    means = _means(pictures, max(2, round(MIN_VALUES * len(seen) / len(spoke))))
    groups = frames[spoke[0]].groups
    centres = np.zeros((len(means), int(groups.max()) + 1, pictures.shape[2]), np.float32)
    centres[:, groups] = means
    nearest = [int(np.median(squares_to(centres, frames[n]), axis=1).argmin()) for n in spoke]
    views = np.full(len(frames), nearest[0], np.int64)
    for n, (first, view) in enumerate(zip(spoke.tolist(), nearest, strict=True)):
        views[first : spoke[n + 1] if n + 1 < len(spoke) else None] = view
    return views


def _means(pictures: NDArray[np.float32], least: int) -> NDArray[np.float32]:
    """The mean pictures of the views, (views, places, dim): clusters around pictures that are far from each other, put
    together as long as two are not apart. What is left with fewer than ``least`` pictures came for a moment."""
    flat = pictures.reshape(len(pictures), -1)
    centres = flat[greedy_k_center(flat, count=min(_CLUSTERS, len(flat)), first=0)]
    labels = np.array([np.square(centres - picture).sum(axis=1).argmin() for picture in flat])
    clusters = [pictures[labels == label] for label in np.unique(labels)]
    while (pair := _of_one_view(clusters)) is not None:
        one, two = pair
        together = np.concatenate([clusters[one], clusters[two]])
        clusters = [*(cluster for n, cluster in enumerate(clusters) if n not in pair), together]
    lasting = [cluster for cluster in clusters if len(cluster) >= least]
    return np.stack([cluster.mean(axis=0) for cluster in lasting or [pictures]])


def _of_one_view(clusters: Sequence[NDArray[np.float32]]) -> tuple[int, int] | None:
    """Numbers of the two clusters that are least apart; None where all are views of their own."""
    means = [cluster.mean(axis=0) for cluster in clusters]
    spreads = [
        np.quantile(np.square(cluster - mean).sum(axis=2), _NEARLY_ALL, axis=0)
        for cluster, mean in zip(clusters, means, strict=True)
    ]
    apart = {
        (one, two): float(np.median(_ratio(means[one] - means[two], np.maximum(spreads[one], spreads[two]))))
        for one, two in combinations(range(len(clusters)), 2)
    }
    nearest = min(apart, key=lambda pair: apart[pair], default=None)
    return nearest if nearest is not None and apart[nearest] < APART else None


def _ratio(between: NDArray[np.float32], spread: NDArray[np.float32]) -> NDArray[np.float32]:
    """Per place how many times as far two means are from each other as nearly all pictures are from theirs."""
    return np.asarray(np.sqrt(np.square(between).sum(axis=1) / np.maximum(spread, 1e-12)), np.float32)
