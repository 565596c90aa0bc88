"""Places that an object explains: who stands there upright and moves as usual is judged by that, not by where it is.

From short footage in which nobody crossed a lawn, nobody can tell whether that is strange. The level of places is of
all that held-out footage shows, explained or not: what is left to other streams does not lower it.
docs/decisions/073-explained-places.md
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.alarms.calibration import AnyCalibration
from models.banks.bank import Bank, StreamBank
from models.frames.frame import Features
from patchwatch.contract.learning_advice import LEAST_MINUTES

REACH = 4.0  # half boxes of a place: so far around an object its patches see it
UPRIGHT = 1.5  # height to width, from which on: who lies, sits or bends explains nothing
USUAL_RARITY = 2.0  # of its movement: below what one in a hundred normal frames shows


def explaining_streams(bank: Bank) -> tuple[int | None, ...]:
    """Per stream the position of the one whose objects explain its places. None does any more in a bank of as much
    footage as is advised: by then it is known where people walk."""
    if bank.footage.seconds >= 60.0 * LEAST_MINUTES:
        return (None,) * len(bank.streams)
    return bank.profile.explained


def explained_places(
    places: Features, objects: Features, bank: StreamBank, calibration: AnyCalibration
) -> NDArray[np.bool_] | None:
    """Which of the places of a frame (n,) do not count; None: all do. ``bank`` and ``calibration``: of the stream that
    the ``objects`` are of."""
    if not len(places) or not len(objects):
        return None
    sides = objects.boxes_xyxy_px[:, 2:] - objects.boxes_xyxy_px[:, :2]
    upright = objects.take(np.asarray(sides[:, 1] >= UPRIGHT * sides[:, 0], np.bool_))
    if not len(upright):
        return None
    distances = bank.distances(upright).mean(axis=1).tolist()
    usual = np.array([calibration.rarity(distance) <= USUAL_RARITY for distance in distances])
    return _within_reach(places.boxes_xyxy_px, upright.boxes_xyxy_px[usual]) if usual.any() else None


def _within_reach(places: NDArray[np.float32], objects: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which places (n, 4) reach into any of the objects (m, 4)."""
    centres = (places[:, :2] + places[:, 2:]) / 2.0
    reach = (places[:, 2:] - places[:, :2]).max(axis=0) * (REACH / 2.0)  # boxes at the edge are cut off
    low, high = centres - reach, centres + reach
    touching = (high[:, None] >= objects[None, :, :2]) & (low[:, None] <= objects[None, :, 2:])
    return np.asarray(np.any(np.all(touching, axis=2), axis=1), np.bool_)
