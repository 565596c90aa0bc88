"""What the next score of a camera depends on, beside its bank: the frames before, as far as they count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from models.alarms.calibration import NEUTRAL_RARITY, Calibration, score_of
from models.banks.bank import Bank, StreamDistance
from models.frames.frame import Features
from models.frames.stored_numbers import stored_share
from models.profiles.fusion import CausalGaussian
from models.profiles.lasting import LastingMeans
from models.profiles.staying import Staying, StayingPlaces


class ScoreHistory:
    """``score``: of the last frame with evidence, by ``smoothing``. ``lasting``: of the profile's groups, None where
    nothing of them that lasts counts. ``staying``: of each stream of which what stays at its place counts."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self.smoothing = CausalGaussian(bank.profile.smoothing_s)
        self.lasting = LastingMeans(bank.profile.lasting) if bank.profile.lasting else None
        self._stays_of = [position for position, _ in bank.profile.staying]
        self.staying = [_staying_places(bank, number) for number in range(len(bank.staying))]
        self.score = score_of(NEUTRAL_RARITY)

    def stay(
        self, at_s: float, features: Sequence[Features], distances: Sequence[StreamDistance | None]
    ) -> list[Staying | None]:
        """Take a frame: what stays at its place of each stream of which it counts, as far as it is rare."""
        found = []
        for position, places in zip(self._stays_of, self.staying, strict=True):
            distance = distances[position]
            of_regions = np.zeros(0, np.float32) if distance is None else distance.of_regions
            found.append(places.add(at_s, features[position].groups, of_regions))
        return found

    def forget(self) -> None:
        """Begin again: nothing before may be compared with what comes."""
        self.smoothing.clear()
        if self.lasting is not None:
            self.lasting.clear()
        for places in self.staying:
            places.clear()
        self.score = score_of(NEUTRAL_RARITY)

    def copy(self) -> Self:
        """Another that goes on from here by itself."""
        other = type(self)(self._bank)
        other.restore(*self.state())
        return other

    def state(self) -> list[Any]:
        """JSON values that `restore` takes."""
        lasting = [] if self.lasting is None else self.lasting.samples
        return [self.score, self.smoothing.samples, lasting, [places.state() for places in self.staying]]

    def restore(self, score: float, smoothing: Any, lasting: Any = (), staying: Any = ()) -> None:
        """Go on from a stored state; one of an earlier version ends sooner. Raises ValueError or TypeError when it is
        none."""
        self.score = stored_share(score)
        self.smoothing.restore(smoothing)
        if self.lasting is not None and lasting:
            self.lasting.restore(lasting)
        for places, stored in zip(self.staying, staying, strict=False):
            places.restore(*stored)


def _staying_places(bank: Bank, number: int) -> StayingPlaces:
    """Of what is rare there: nothing else of it counts."""
    (position, staying_s), calibration = bank.profile.staying[number], bank.staying[number]
    least = calibration.tail_from if isinstance(calibration, Calibration) else 0.0
    return StayingPlaces(staying_s, bank.streams[position].vectors.shape[1], least)
