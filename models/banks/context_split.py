"""Whether a camera's normal falls into contexts, and whether they help: asked of its own footage, held out in turn.

docs/decisions/058-contexts.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from models.alarms.alarm_threshold import CONFIDENCE
from models.banks.bank import StreamBank
from models.banks.contexts import ContextGain, Contexts, squares_to
from models.banks.cross_validation import FoldDistances, HeldOutFrames
from models.frames.frame import Features

CONTEXTS = 2
LEAST_S = 900.0  # of footage that each context needs
LEAST_VISITS = 2  # what came once may be weather, and held out it would vouch for itself
_VISIT = 20  # frames on end that make one
_MOST_SEEN = 600  # pictures that contexts are found among
_ROUNDS = 25
_SLACK = 1.5  # of a context's reach, over the farthest of nearly all its pictures
_NEARLY_ALL = 0.99
_PLANTED = 400  # pictures in which something is planted
_STRENGTHS = 0.5, 0.75, 1.0  # share of a planted place that shows what is elsewhere in the picture
_FALSE = 0.05  # of the pictures may be over the level at which the planted ones are counted
_COLOURLESS = 4.0  # mean difference between the strongest and the weakest channel, in grey levels
_NAMED_BY = 25  # thumbnails


@dataclass(frozen=True)
class Division:
    """``labels``: int32 (frames,), the context of each; -1 where the stream was silent. ``centres`` and ``reaches``: as
    of `models.banks.contexts.Contexts`."""

    labels: NDArray[np.int32]
    centres: NDArray[np.float32]
    reaches: NDArray[np.float32]

    def of(self, context: int, chosen: Iterable[int]) -> list[int]:
        """Those of the chosen frames that are of this context; all of them where none is."""
        some = list(chosen)
        return [n for n in some if self.labels[n] == context] or some

    def contexts(self, names: Sequence[str], frame_s: float) -> Contexts:
        """In no scales yet, and what they gain is still to be measured."""
        seconds = [round(float((self.labels == context).sum()) * frame_s, 1) for context in range(CONTEXTS)]
        scales, unknown = np.ones(self.centres.shape[:2], np.float32), ContextGain(0.0, 0.0, 0.0, 0.0)
        return Contexts(tuple(names), self.centres, self.reaches, scales, tuple(seconds), unknown)


def divide(frames: Sequence[Features], frame_s: float) -> Division | None:
    """The footage of one stream in two contexts, by what its pictures show: two means of whole pictures (Lloyd 1982).
    None where it does not fall into two of `LEAST_S` each that came `LEAST_VISITS` times.

    ``frame_s``: seconds of footage that a frame stands for.
    """
    spoke = np.array([n for n, features in enumerate(frames) if len(features)], np.int64)
    if len(spoke) * frame_s < CONTEXTS * LEAST_S or len({len(frames[n]) for n in spoke}) > 1:
        return None
    seen = spoke[np.linspace(0, len(spoke) - 1, min(len(spoke), _MOST_SEEN)).astype(int)]
    pictures = np.stack([frames[n].vectors for n in seen]).astype(np.float32)
    groups = frames[seen[0]].groups
    centres = np.zeros((CONTEXTS, int(groups.max()) + 1, pictures.shape[2]), np.float32)
    centres[:, groups] = _two_means(pictures.reshape(len(seen), -1)).reshape(CONTEXTS, *pictures.shape[1:])
    squares = np.stack([np.median(squares_to(centres, frames[n]), axis=1) for n in spoke])
    own = squares.argmin(axis=1)
    labels = np.full(len(frames), -1, np.int32)
    labels[spoke] = own
    if any((own == context).sum() * frame_s < LEAST_S or _visits(own == context) < LEAST_VISITS for context in (0, 1)):
        return None
    farthest = [np.quantile(squares[own == context, context], _NEARLY_ALL) for context in range(CONTEXTS)]
    return Division(labels, centres, np.asarray(_SLACK * np.sqrt(farthest), np.float32))


def _two_means(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """(pictures, n) -> (2, n), from the picture farthest from the mean of all, and the one farthest from that."""
    first = int(np.square(pictures - pictures.mean(axis=0)).sum(axis=1).argmax())
    second = int(np.square(pictures - pictures[first]).sum(axis=1).argmax())
    means = pictures[[first, second]]
    nearest = np.zeros(len(pictures), np.bool_)
    for _ in range(_ROUNDS):
        before = nearest
        nearest = np.square(pictures - means[1]).sum(axis=1) < np.square(pictures - means[0]).sum(axis=1)
        if nearest.all() or not nearest.any() or np.array_equal(nearest, before):
            break
        means = np.stack([pictures[~nearest].mean(axis=0), pictures[nearest].mean(axis=0)])
    return means


def _visits(own: NDArray[np.bool_]) -> int:
    """How often the footage came to it and stayed."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], own, [False]]).astype(np.int8)))
    return int(((edges[1::2] - edges[::2]) >= _VISIT).sum())


@dataclass(frozen=True)
class HeldOut:
    """Frames of one stream, each measured against the bank of its fold, which was learnt without it."""

    banks: Sequence[StreamBank]  # per fold
    fold_of: NDArray[np.int64]
    measured: Sequence[HeldOutFrames | None]

    @property
    def level(self) -> float:
        """That only so many of the frames are over."""
        most = [part.distance.value for part in self.measured if part is not None]
        return float(np.quantile(most, 1.0 - _FALSE))

    def with_gain(self, gain: ContextGain) -> HeldOut:
        banks = [replace(bank, contexts=bank.contexts and replace(bank.contexts, gain=gain)) for bank in self.banks]
        return replace(self, banks=banks)

    def finds(self, number: int, planted: Features, level: float) -> bool:
        distances = self.banks[int(self.fold_of[number])].distances(planted)
        return bool(distances.max(axis=0).mean() > level)


Scales = Callable[[Sequence[HeldOutFrames | None]], NDArray[np.float32]]


def hold_out_apart(
    contexts: Contexts, division: Division, bare: Sequence[StreamBank], fold_of: NDArray[np.int64],
    frames: Sequence[Features], scales: Scales,
) -> HeldOut:  # fmt: skip
    """By the banks of the folds, which hold the exemplars of one context after the other, with the contexts in scales
    of their own. ``scales``: found from held-out distances of some frames."""
    banks = [_in(contexts, bank) for bank in bare]
    distances = FoldDistances(banks, fold_of, frames)
    measured = distances.by(banks)
    own = [
        scales([measured[n] for n in np.flatnonzero(division.labels == number).tolist()]) for number in range(CONTEXTS)
    ]
    banks = [_in(replace(contexts, scales=np.stack(own)), bank) for bank in bare]
    return HeldOut(banks, fold_of, distances.by(banks))


def _in(contexts: Contexts, bank: StreamBank) -> StreamBank:
    return replace(bank, scales=contexts.widest, contexts=contexts)


def gain_of(frames: Sequence[Features], together: HeldOut, apart: HeldOut) -> ContextGain:
    """How much more of what is planted in held-out pictures is found apart than together, at the same share of false
    alarms of all pictures.

    What is planted is a place that partly looks like another one of the same picture: of its light, and not where it
    belongs. The interval is Student's over the blocks that were held out, for pictures of one block are alike.
    """
    spoke = [n for n, features in enumerate(frames) if len(features)]
    chosen = np.array(spoke)[np.linspace(0, len(spoke) - 1, min(len(spoke), _PLANTED)).astype(int)]
    blocks = np.concatenate([[0], np.cumsum(np.diff(together.fold_of) != 0)])[chosen]
    levels, random = (together.level, apart.level), np.random.default_rng(0)
    found = []
    for n, strength in zip(chosen.tolist(), cycle(_STRENGTHS), strict=False):
        planted = _planted(frames[n], strength, random)
        found.append([held.finds(n, planted, level) for held, level in zip((together, apart), levels, strict=True)])
    counted = np.array(found, np.float64)
    by_block = np.array([np.diff(counted[blocks == block].mean(axis=0))[0] for block in np.unique(blocks)])
    half = _half_interval(by_block)
    shares, mean = counted.mean(axis=0), float(by_block.mean())
    return ContextGain(*(round(float(value), 4) for value in (*shares, mean - half, mean + half)))


def _half_interval(values: NDArray[np.float64]) -> float:
    if len(values) < 2:
        return float("inf")
    quantile = float(stdtrit(len(values) - 1, (1.0 + CONFIDENCE) / 2.0))  # of Student's t
    return quantile * float(values.std(ddof=1)) / float(np.sqrt(len(values)))


def _planted(features: Features, strength: float, random: np.random.Generator) -> Features:
    place, other = random.choice(len(features), 2, replace=len(features) < 2)
    vectors = features.vectors.astype(np.float32)
    vectors[place] += np.float32(strength) * (vectors[other] - vectors[place])
    return replace(features, vectors=vectors)


def names_of(division: Division, thumbnails: Sequence[bytes]) -> list[str]:
    """What to call each context, by the thumbnails (JPEG, or empty) of the frames: by colour where one has none, else
    by light."""
    lights = [_light_of(division.of(context, range(len(thumbnails))), thumbnails) for context in range(CONTEXTS)]
    known = [light for light in lights if light is not None]
    if len(known) < CONTEXTS:
        return [f"light {context + 1}" for context in range(CONTEXTS)]
    colourless = [colour < _COLOURLESS for _, colour in known]
    if any(colourless) and not all(colourless):
        return ["infrared" if without else "colour" for without in colourless]
    return ["dark", "bright"] if known[0][0] < known[1][0] else ["bright", "dark"]


def _light_of(frames: Sequence[int], thumbnails: Sequence[bytes]) -> tuple[float, float] | None:
    """Mean grey level and colour of some pictures; None where no thumbnail was kept of any."""
    kept = [thumbnails[n] for n in frames if thumbnails[n]]
    decoded = [
        cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        for jpeg in kept[:: max(1, len(kept) // _NAMED_BY)]
    ]
    pictures = [picture.astype(np.float32) for picture in decoded if picture is not None]
    if not pictures:
        return None
    colours = [float((picture.max(axis=2) - picture.min(axis=2)).mean()) for picture in pictures]
    return float(np.mean([picture.mean() for picture in pictures])), float(np.mean(colours))
