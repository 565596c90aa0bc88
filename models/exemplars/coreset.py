"""Greedy k-center: the few vectors that cover all others best.

Source: Sener & Savarese, ICLR 2018 (core-set selection); used for memory banks by PatchCore, CVPR 2022.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from patchwatch.contract.errors import InsufficientFootageError

_CHUNK_ROWS = 65_536  # distances are updated in chunks of this many vectors: memory stays bounded


def draw_coreset(
    vectors: NDArray[np.float32], *, ratio: float, cap: int, seed: int, device: str = "cpu"
) -> NDArray[np.int64]:
    """Indices of a coreset: at most ``cap`` vectors are considered (a seeded choice), ``ratio`` of them are kept.

    One generator, ``numpy.random.default_rng(seed)``, first makes the choice (only when there are more than
    ``cap``), then draws the first centre. At least one vector is kept. Raises `InsufficientFootageError` for none.
    """
    if len(vectors) == 0:
        raise InsufficientFootageError("no vectors to draw a coreset from")
    generator = np.random.default_rng(seed)
    chosen = np.arange(len(vectors))
    if len(vectors) > cap:
        chosen = np.sort(generator.choice(len(vectors), size=cap, replace=False))
    count = max(1, math.ceil(ratio * len(chosen)))
    first = int(generator.integers(len(chosen)))
    centres = greedy_k_center(vectors[chosen], count=count, first=first, device=device)
    return chosen[centres]


def draw_random(count: int, most: int, seed: int) -> NDArray[np.int64]:
    """Indices of at most so many of ``count`` vectors, by ``numpy.random.default_rng(seed)``, in order.

    Where normal has rare but ordinary members, any sample keeps their share of it, and centres do not (Reiss and
    Hoshen 2022 keep all). Raises `InsufficientFootageError` for none.
    """
    if count == 0:
        raise InsufficientFootageError("no vectors to draw exemplars from")
    generator = np.random.default_rng(seed)
    return np.sort(generator.choice(count, size=min(count, most), replace=False))


def greedy_k_center(vectors: NDArray[np.float32], *, count: int, first: int, device: str = "cpu") -> NDArray[np.int64]:
    """Indices of ``count`` centres (n, dim -> count), each the vector farthest from those before it.

    ``first`` is the first centre and is kept. Ties go to the lowest index. ``device`` other than ``cpu`` computes
    with torch there.
    """
    count = min(count, len(vectors))
    if device != "cpu":
        return _greedy_torch(vectors, count, first, device)
    centres = np.empty(count, np.int64)
    nearest = np.full(len(vectors), np.inf, np.float32)
    squares = np.einsum("nd,nd->n", vectors, vectors)
    centre = first
    for position in range(count):
        centres[position] = centre
        _shrink(nearest, vectors, squares, centre)
        nearest[centre] = -1.0  # never twice, even among equal vectors
        centre = int(nearest.argmax())
    return centres


def greedy_k_center_sets(candidates: NDArray[np.float32], count: int, first: int) -> NDArray[np.int64]:
    """Greedy k-center in many sets at once: of (sets, n, dim) the indices (sets, count) of those that cover each.

    As `greedy_k_center`, with all sets in each step. ``first`` is the candidate that all begin
    with. Sets with fewer different vectors repeat some.
    """
    sets, _, dim = candidates.shape
    everyone = np.arange(sets)
    squares = np.einsum("snd,snd->sn", candidates, candidates)
    extended = np.concatenate([candidates.transpose(0, 2, 1), squares[:, None]], axis=1)
    centres = np.full(sets, first)
    nearest = np.full(squares.shape, np.inf, np.float32)
    chosen = np.empty((sets, count), np.int64)
    against = np.ones((sets, 1, dim + 1), np.float32)
    squared = np.empty((sets, 1, candidates.shape[1]), np.float32)
    for position in range(count):
        chosen[:, position] = centres
        against[:, 0, :dim] = -2.0 * candidates[everyone, centres]
        np.matmul(against, extended, out=squared)  # |x|^2 - 2 x.c in one pass: memory is what this waits for
        squared += squares[everyone, centres][:, None, None]
        np.minimum(nearest, squared[:, 0], out=nearest)
        centres = nearest.argmax(axis=1)
    return chosen


def covering_radius(vectors: NDArray[np.float32], centres: NDArray[np.int64]) -> float:
    """Largest Euclidean distance from any vector to its nearest centre."""
    nearest = np.full(len(vectors), np.inf, np.float32)
    squares = np.einsum("nd,nd->n", vectors, vectors)
    for centre in centres:
        _shrink(nearest, vectors, squares, int(centre))
    return float(nearest.max())


def _shrink(
    nearest: NDArray[np.float32], vectors: NDArray[np.float32], squares: NDArray[np.float32], centre: int
) -> None:
    """Lower each distance in ``nearest`` to that of a new centre where that is nearer.

    One matrix product tells, up to its rounding, where it may be nearer; only there distances are taken, of
    differences: rounding chooses no centre.
    """
    rounding = np.float32(vectors.shape[1] * np.finfo(np.float32).eps)
    for start in range(0, len(vectors), _CHUNK_ROWS):
        rows = slice(start, start + _CHUNK_ROWS)
        sums = squares[rows] + squares[centre]
        least = sums - 2.0 * (vectors[rows] @ vectors[centre]) - rounding * sums
        held = nearest[rows]
        nearer = np.flatnonzero(least <= held * held)
        distances = np.linalg.norm(vectors[rows][nearer] - vectors[centre], axis=1)
        held[nearer] = np.minimum(held[nearer], distances)


def _greedy_torch(vectors: NDArray[np.float32], count: int, first: int, device: str) -> NDArray[np.int64]:
    import torch

    points = torch.from_numpy(np.ascontiguousarray(vectors)).to(device)
    nearest = torch.full((len(points),), float("inf"), device=device)
    centres = torch.empty(count, dtype=torch.int64, device=device)
    centre = torch.tensor(first, device=device)
    for position in range(count):  # the centre stays on the device: no round trip per step
        centres[position] = centre
        nearest = torch.minimum(nearest, torch.linalg.vector_norm(points - points[centre], dim=1))
        nearest[centre] = -1.0
        centre = nearest.argmax()
    return centres.cpu().numpy()
