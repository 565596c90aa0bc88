"""Contexts of one camera's normal: the same view by day and by night, in colour and in infrared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.frames.frame import Features

CERTAIN = 0.25  # of the way from one context's mean picture to the next one's; beyond, it may be either
MOST_CONTEXTS = 8
_LEAST_LENGTH = 1e-12


@dataclass(frozen=True)
class ContextGain:
    """What splitting the contexts off gained on footage that was held out: of what was planted in it the share found
    without (``together``) and with them (``apart``), at the same false alarms. ``low``..``high``: 90 % interval of the
    difference over blocks of the footage."""

    together: float
    apart: float
    low: float
    high: float


@dataclass(frozen=True)
class Contexts:
    """Of one stream. Its exemplars stand one context after the other, as many of each.

    ``centres``: float32 (contexts, groups, dim), the mean picture of each. ``reaches``: float32 (contexts,), how far
    its own pictures are from that, as the median over the groups. ``scales``: float32 (contexts, groups), as
    `models.banks.bank.StreamBank.scales`. ``seconds``: of the footage, by context.
    """

    names: tuple[str, ...]
    centres: NDArray[np.float32]
    reaches: NDArray[np.float32]
    scales: NDArray[np.float32]
    seconds: tuple[float, ...]
    gain: ContextGain

    def __post_init__(self) -> None:
        count = len(self.names)
        if not 2 <= count <= MOST_CONTEXTS or len(set(self.names)) != count or len(self.seconds) != count:
            raise ValueError(f"contexts are from 2 to {MOST_CONTEXTS}, with a name and a length each: {self.names}")
        if self.centres.ndim != 3 or len(self.centres) != count or self.reaches.shape != (count,):
            raise ValueError(f"centres {self.centres.shape}, reaches {self.reaches.shape} are not of {count} contexts")
        if self.scales.shape != self.centres.shape[:2] or not (self.scales > 0).all():
            raise ValueError(f"scales {self.scales.shape} are not one positive number per group and context")
        if not (np.isfinite(self.centres).all() and np.isfinite(self.scales).all() and (self.reaches >= 0).all()):
            raise ValueError("contexts are described by finite numbers")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def widest(self) -> NDArray[np.float32]:
        """Per group the largest scale of any context, float32 (groups,)."""
        return np.asarray(self.scales.max(axis=0), np.float32)

    def recognised(self, features: Features) -> int | None:
        """The context that a picture shows; None where it shows none for certain: it lies between two, or is farther
        from all than their own pictures were. ``features``: its vectors, already measured as the exemplars are.

        Half of the picture has to agree, so what stands or passes in it changes nothing. It depends on this picture
        alone, so nothing has to be remembered of those before.
        """
        if not len(features):
            return None
        squares = squares_to(self.centres, features)
        medians = np.median(squares, axis=1)
        nearest, next_one = np.argsort(medians, kind="stable")[:2]
        if medians[nearest] > self.reaches[nearest] ** 2:
            return None
        lengths = self._lengths[nearest, next_one, features.groups]
        telling = lengths >= max(float(np.median(lengths)), _LEAST_LENGTH)
        if not telling.any():
            return None
        on_the_way = (1.0 + (squares[nearest, telling] - squares[next_one, telling]) / lengths[telling]) / 2.0
        return int(nearest) if np.median(on_the_way) <= CERTAIN else None

    @cached_property
    def _lengths(self) -> NDArray[np.float32]:
        """Square distances between the mean pictures: float32 (contexts, contexts, groups)."""
        between = self.centres[:, None] - self.centres[None]
        return np.asarray(np.einsum("abgd,abgd->abg", between, between), np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By name, as they stand in a bank file."""
        return {"context_centres": self.centres, "context_reaches": self.reaches, "context_scales": self.scales}

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], names: Sequence[str], seconds: Sequence[float], gain: ContextGain
    ) -> Self:
        """Inverse of `arrays`. Raises KeyError for a missing one, ValueError for such as do not fit."""
        centres, reaches, scales = (arrays[f"context_{name}"] for name in ("centres", "reaches", "scales"))
        return cls(tuple(names), centres, reaches, scales, tuple(seconds), gain)


def squares_to(centres: NDArray[np.float32], features: Features) -> NDArray[np.float32]:
    """Square distance of each of a picture's vectors to that of its group in each mean picture, float32 (contexts, n).
    ``centres``: (contexts, groups, dim)."""
    groups = features.groups
    every = len(groups) == centres.shape[1] and bool((groups == np.arange(len(groups))).all())  # which saves a copy
    apart = (centres if every else centres[:, groups]) - features.vectors
    return np.asarray(np.einsum("cnd,cnd->cn", apart, apart), np.float32)
