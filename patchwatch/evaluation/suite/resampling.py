"""Intervals of a scene's figures over its clips, and of their means over scenes and clips.

The percentile bootstrap (Efron & Tibshirani 1993). Seeded, and the same choices for the same number of clips: two runs
of one suite are resampled alike, which makes their differences paired.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from patchwatch.evaluation.report.protocol import Interval
from patchwatch.evaluation.statistics.bootstrap import RESAMPLES
from patchwatch.evaluation.suite.figure import Figure, SceneTally, Values, Weights

_SEED = 0
_LOW, _HIGH = 2.5, 97.5
_LEAST_UNITS = 2  # of one clip, or one scene, nothing is known about others


def measured(figure: Figure, scene: SceneTally) -> float | None:
    """The figure of all clips; None where it is not defined."""
    value = float(figure.measure(scene, np.ones((1, len(scene.clips))))[0])
    return None if np.isnan(value) else value


def resampled(figure: Figure, scene: SceneTally) -> Values:
    """The figure of each resample, as many clips as there are, drawn with replacement."""
    if figure.name not in scene.resampled:
        scene.resampled[figure.name] = figure.measure(scene, choices(len(scene.clips)))
    return scene.resampled[figure.name]


def choices(units: int) -> Weights:
    """How often each unit was drawn in each resample."""
    drawn = np.random.default_rng(_SEED).multinomial(units, np.full(units, 1.0 / units), RESAMPLES)
    return drawn.astype(np.float64)


def interval(values: Values, units: int) -> Interval | None:
    """95 % of the resamples in which the figure is defined; None with fewer than two units that count."""
    defined = values[~np.isnan(values)]
    if units < _LEAST_UNITS or not len(defined):
        return None
    low, high = np.percentile(defined, [_LOW, _HIGH])
    return float(low), float(high)


def stated_interval(values: Values, units: int) -> Interval | None:
    """The same for a figure by itself; None also where no choice of clips changes it, as with no event found: that
    does not mean that it is certain."""
    limits = interval(values, units)
    return None if limits is None or limits[0] == limits[1] else limits


def noise(values: Values, units: int) -> Interval | None:
    """95 % of what a difference would be with other units: the expanded percentile interval, which corrects for
    few of them by Student's t (Hesterberg, The American Statistician 2015, section 3.4); None with fewer than two."""
    defined = values[~np.isnan(values)]
    if units < _LEAST_UNITS or not len(defined):
        return None
    expanded = 100.0 * ndtr(stdtrit(units - 1, _LOW / 100.0) * math.sqrt(units / (units - 1)))
    low, high = np.percentile(defined, [expanded, 100.0 - expanded])
    return float(low), float(high)


def mean_over_scenes(scenes: Sequence[Values]) -> Values:
    """Means over as many scenes as there are, drawn with replacement, each time it is drawn with other clips.

    ``scenes``: of each scene the figure of its resamples. A resample in which a scene's figure is not defined is
    replaced by the mean of the others.
    """
    table = np.array([_filled(values) for values in scenes])
    generator = np.random.default_rng(_SEED)
    shape = (RESAMPLES, len(scenes))
    scene, resample = generator.integers(len(scenes), size=shape), generator.integers(table.shape[1], size=shape)
    return np.asarray(table[scene, resample].mean(axis=1))


def _filled(values: Values) -> NDArray[np.float64]:
    undefined = np.isnan(values)
    return values if undefined.all() else np.where(undefined, values[~undefined].mean(), values)
