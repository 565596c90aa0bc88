"""The signature of a picture (a few numbers that describe it), and the background: what a camera usually shows."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.frames.frame import Frame
from models.tampering.judged_cells import ALL_CELLS, CELLS, FINE, WHOLE_PICTURE, JudgedPart

GRID = (18, 32)  # rows, columns of the coarse grey picture
_COLOUR = (36, 64)
_EVERY_ROW = 8  # rows hashed: a block of an encoder is never lower
_BUSY = 38 / 48  # of the cells in order of detail: a picture has lost its detail when its busier cells have
LEARNING_S = 10.0  # before, nothing is judged by it
CHANGED = 0.55  # share of the steady cells; real footage with cars and people close by stays far below
CHANGED_BACK = 0.4
_FORGETS_S = 60.0  # who stands still for minutes, and where the sun casts its shadows, becomes part of it
_STRUCTURED = 4.0  # mean square gradient from which on a cell has structure: (2 grey levels per point) squared
_LEAST_CELLS = 24  # that the changed ones are a share of at least, of 48: an almost empty view is judged with caution
_STEADY = 0.7  # share of the time that a cell looks like itself; places where something always moves do not count
_ALIKE = 0.5  # correlation of the gradients in a cell
_COLOURED, _COLOURLESS = 6.0, 1.5  # mean difference between the channels


class Structure:
    """What a coarse grey picture, float32 (18, 32), shows whatever its light: ``across`` and ``down``, its gradients in
    grey levels per point."""

    def __init__(self, grey: NDArray[np.float32]) -> None:
        self.across, self.down = _slope(grey, 1, 0), _slope(grey, 0, 1)

    @cached_property
    def energy(self) -> NDArray[np.float32]:
        """Mean square of the gradients in each cell, (6, 8)."""
        return cell_means(self.across * self.across + self.down * self.down)


@dataclass(frozen=True)
class PictureSignature:
    """``grey``: float32 (18, 32), grey levels. ``sharpness``: float32 (6, 8), fine structure of each cell, in grey
    levels; ``detail``: of a busy one. ``contrast``: coarse structure of the whole, in grey levels per point of the
    grid. ``colour``: mean difference between the channels, 0 for an infrared picture. ``digests``: uint32 (48,), each
    equal where its cell is. ``structure``: of ``grey``. ``judged``: bool (6, 8), the cells that count.
    """

    grey: NDArray[np.float32]
    detail: float
    contrast: float
    colour: float
    digests: NDArray[np.uint32]
    sharpness: NDArray[np.float32]
    structure: Structure
    judged: NDArray[np.bool_] = field(default_factory=lambda: ALL_CELLS)


def signature_of(frame: Frame, part: JudgedPart = WHOLE_PICTURE) -> PictureSignature:
    """The signature of a ``part`` of a picture of any size and aspect ratio."""
    rgb, judged = frame.rgb, part.cells
    fine = _resized(frame.grey, FINE).astype(np.float32)
    if part.blank is not None and not part.blank.all():  # its edge would be a structure that nothing can cover
        fine[part.blank] = fine[~part.blank].mean()
    grey = _resized(fine, GRID)
    structure = Structure(grey)
    rough = cell_means(np.abs(fine - cv2.blur(fine, (5, 5))))
    return PictureSignature(
        grey=grey,
        detail=_busy(rough[judged]),
        contrast=float(np.sqrt(structure.energy.mean(where=judged))) if judged.any() else 0.0,
        colour=_colour(rgb, judged),
        digests=_digests(rgb[::_EVERY_ROW]),
        sharpness=rough,
        structure=structure,
        judged=judged,
    )


def _busy(details: NDArray[np.float32]) -> float:
    return float(np.sort(details)[int(_BUSY * len(details))]) if len(details) else 0.0


def cell_means(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means over the cells, (6, 8), of a picture whose sides are multiples of those."""
    return _resized(values, CELLS)


def _slope(grey: NDArray[np.float32], across: int, down: int) -> NDArray[np.float32]:
    return np.asarray(cv2.Sobel(grey, cv2.CV_32F, across, down, ksize=3, scale=1 / 8), np.float32)


def _resized(values: NDArray, size: tuple[int, int]) -> NDArray:  # type: ignore[type-arg]
    return cv2.resize(values, size[::-1], interpolation=cv2.INTER_AREA)


def _digests(rgb: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """A weighted sum of each cell, which wraps around: other pictures have another one but for a chance of 2^-30."""
    rows, columns = rgb.shape[:2]
    weighted = rgb.reshape(rows, -1) * _weights(rows, columns)
    tops, lefts = np.arange(CELLS[0] + 1) * rows // CELLS[0], np.arange(CELLS[1]) * columns // CELLS[1] * 3
    # Several times as fast as one call for all: whole rows are added up first. Each band has one row at least.
    bands = [weighted[top : max(end, top + 1)].sum(axis=0, dtype=np.uint32) for top, end in pairwise(tops)]
    return np.asarray(np.add.reduceat(np.stack(bands), lefts, axis=1, dtype=np.uint32).ravel(), np.uint32)


@cache
def _weights(rows: int, columns: int) -> NDArray[np.uint32]:
    return np.random.default_rng(0).integers(1, 2**32, (rows, columns * 3), dtype=np.uint32) | np.uint32(1)


def _colour(rgb: NDArray[np.uint8], judged: NDArray[np.bool_]) -> float:
    red, green, blue = cv2.split(cv2.resize(rgb, _COLOUR[::-1], interpolation=cv2.INTER_NEAREST))
    most, least = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
    difference = cv2.subtract(most, least)
    if judged.all():
        return float(cv2.mean(difference)[0])
    return float(
        cv2.mean(difference, cv2.resize(judged.astype(np.uint8), _COLOUR[::-1], interpolation=cv2.INTER_NEAREST))[0]
    )


@dataclass(frozen=True)
class Difference:
    """``changed``: share of the cells with steady structure that have lost it, 0..1. ``detail`` and ``contrast``: parts
    of the usual. ``recoloured``: colour came or went altogether, as with an infrared switch."""

    changed: float
    detail: float
    contrast: float
    recoloured: bool


class Background:
    """A slow average of the pictures of one camera. Gradients are compared, not grey levels: light may change."""

    def __init__(self) -> None:
        self._grey: NDArray[np.float32] = np.zeros(GRID, np.float32)
        self._steady: NDArray[np.float32] = np.ones(CELLS, np.float32)
        self._detail = self._contrast = self._colour = 0.0
        self._learnt_s = -1.0  # below zero: nothing yet
        self._structure: Structure | None = None  # of ``_grey``, once it was asked for

    @property
    def known(self) -> bool:
        return self._learnt_s >= LEARNING_S

    @property
    def grey(self) -> NDArray[np.float32]:
        """float32 (18, 32)."""
        return self._grey

    @property
    def structure(self) -> Structure:
        self._structure = self._structure or Structure(self._grey)
        return self._structure

    def learn(self, signature: PictureSignature, elapsed_s: float) -> None:
        """Update the average with a picture, ``elapsed_s`` after the one before."""
        if self._learnt_s < 0:
            self._learnt_s, share, self._grey, self._structure = 0.0, 1.0, signature.grey.copy(), None
        else:
            self._learnt_s += elapsed_s
            share = min(1.0, elapsed_s / max(min(self._learnt_s, _FORGETS_S), 1e-6))
        self._steady += np.float32(share) * (self._alike(signature)[0] - self._steady)
        self._grey += np.float32(share) * (signature.grey - self._grey)
        self._structure = None
        self._detail += share * (signature.detail - self._detail)
        self._contrast += share * (signature.contrast - self._contrast)
        self._colour += share * (signature.colour - self._colour)

    def forget(self) -> None:
        """Start over: the next picture is the first."""
        self._learnt_s = -1.0

    def compare(self, signature: PictureSignature) -> Difference:
        """How the picture differs."""
        return Difference(
            changed=self._changed(signature),
            detail=signature.detail / max(self._detail, 1e-6),
            contrast=signature.contrast / max(self._contrast, 1e-6),
            recoloured=(self._colour >= _COLOURED and signature.colour <= _COLOURLESS)
            or (self._colour <= _COLOURLESS and signature.colour >= _COLOURED),
        )

    def _changed(self, signature: PictureSignature) -> float:
        alike, energy = self._alike(signature)
        counted = (energy > _STRUCTURED) & (self._steady >= _STEADY) & signature.judged
        least = min(_LEAST_CELLS, max(1, int(signature.judged.sum()) // 2))
        return float((counted & ~alike).sum() / max(int(counted.sum()), least))

    def _alike(self, signature: PictureSignature) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Whether each cell shows its usual structure, and how much of that there is."""
        usual, now = self.structure, signature.structure
        products = cell_means(usual.across * now.across + usual.down * now.down)
        return products >= _ALIKE * np.sqrt(usual.energy * now.energy), usual.energy

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        return {
            "grey": _packed(self._grey),
            "steady": _packed(self._steady),
            "levels": [self._detail, self._contrast, self._colour, self._learnt_s],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state."""
        grey, steady = _unpacked(state["grey"], GRID), _unpacked(state["steady"], CELLS)
        self._detail, self._contrast, self._colour, self._learnt_s = (float(level) for level in state["levels"])
        if not 0 <= self._learnt_s + self._detail + self._contrast + self._colour + 1.0 < float("inf"):
            raise ValueError(f"out of bounds: {state['levels']}")
        self._grey, self._steady, self._structure = grey, steady, None


def _packed(values: NDArray[np.float32]) -> str:
    return b64encode(values.tobytes()).decode()


def _unpacked(packed: str, shape: tuple[int, int]) -> NDArray[np.float32]:
    return levels(np.frombuffer(b64decode(packed), np.float32), shape)


def levels(values: NDArray[np.floating[Any]], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Stored grey levels or shares as an array of its own. Raises `ValueError` where they are none."""
    if not (np.abs(values) <= 1e3).all():
        raise ValueError("grey levels out of bounds")
    return values.astype(np.float32).reshape(shape)
