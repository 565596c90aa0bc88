"""What a camera usually shows, and how a picture differs from it as a whole."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.tampering.signature import CELLS, GRID, PictureSignature, cell_means, energies, gradients

LEARNING_S = 10.0  # before, nothing is judged by it
CHANGED = 0.55  # share of the steady cells; real footage with cars and people close by stays far below
CHANGED_BACK = 0.4
_FORGETS_S = 60.0  # who stands still for minutes, and where the sun casts its shadows, becomes part of it
_STRUCTURED = 4.0  # mean square gradient from which on a cell has structure: (2 grey levels per point) squared
_LEAST_CELLS = 24  # that the changed ones are a share of at least, of 48: of an all but empty view little is said
_STEADY = 0.7  # share of the time that a cell looks like itself; where something always moves says nothing
_ALIKE = 0.5  # correlation of the gradients in a cell
_COLOURED, _COLOURLESS = 6.0, 1.5  # mean difference between the channels


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

    @property
    def known(self) -> bool:
        return self._learnt_s >= LEARNING_S

    @property
    def grey(self) -> NDArray[np.float32]:
        """float32 (18, 32)."""
        return self._grey

    def learn(self, sketch: PictureSignature, elapsed_s: float) -> None:
        """Take a picture into it; ``elapsed_s`` since the one before."""
        if self._learnt_s < 0:
            self._learnt_s, share, self._grey = 0.0, 1.0, sketch.grey.copy()
        else:
            self._learnt_s += elapsed_s
            share = min(1.0, elapsed_s / max(min(self._learnt_s, _FORGETS_S), 1e-6))
        self._steady += np.float32(share) * (self._alike(sketch)[0] - self._steady)
        self._grey += np.float32(share) * (sketch.grey - self._grey)
        self._detail += share * (sketch.detail - self._detail)
        self._contrast += share * (sketch.contrast - self._contrast)
        self._colour += share * (sketch.colour - self._colour)

    def forget(self) -> None:
        """Begin anew: the next picture is the first."""
        self._learnt_s = -1.0

    def compare(self, sketch: PictureSignature) -> Difference:
        """How the picture differs."""
        return Difference(
            changed=self._changed(sketch),
            detail=sketch.detail / max(self._detail, 1e-6),
            contrast=sketch.contrast / max(self._contrast, 1e-6),
            recoloured=(self._colour >= _COLOURED and sketch.colour <= _COLOURLESS)
            or (self._colour <= _COLOURLESS and sketch.colour >= _COLOURED),
        )

    def _changed(self, sketch: PictureSignature) -> float:
        alike, energy = self._alike(sketch)
        counted = (energy > _STRUCTURED) & (self._steady >= _STEADY)
        return float((counted & ~alike).sum() / max(int(counted.sum()), _LEAST_CELLS))

    def _alike(self, sketch: PictureSignature) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Whether each cell shows its usual structure, and how much of that there is."""
        usual, now = gradients(self._grey), gradients(sketch.grey)
        energy = energies(usual)
        products = cell_means(usual[0] * now[0] + usual[1] * now[1])
        return products >= _ALIKE * np.sqrt(energy * energies(now)), energy

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
        self._grey, self._steady = grey, steady


def _packed(values: NDArray[np.float32]) -> str:
    return b64encode(values.tobytes()).decode()


def _unpacked(packed: str, shape: tuple[int, int]) -> NDArray[np.float32]:
    return levels(np.frombuffer(b64decode(packed), np.float32), shape)


def levels(values: NDArray[np.floating[Any]], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Stored grey levels or shares as an array of its own. Raises `ValueError` where they are none."""
    if not (np.abs(values) <= 1e3).all():
        raise ValueError("grey levels out of bounds")
    return values.astype(np.float32).reshape(shape)
