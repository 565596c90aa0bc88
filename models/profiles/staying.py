"""What stays at its place: how far each place has been from normal all along, which what passes does not raise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.frames.stored_numbers import stored_distance, stored_time
from models.profiles.lasting import JITTER_S


@dataclass(frozen=True)
class Staying:
    """The place (number of its group) whose least ``distance`` over the last seconds is the largest."""

    distance: float
    place: int


class StayingPlaces:
    """Per place the least of its distances over the last ``staying_s`` seconds, and the place where that is largest.

    Times are on any clock; where it was set back, all begins again. A distance holds until the next one is given. A
    place that does not count in a frame stays nothing. Distances up to ``least`` count as 0, so that what is
    remembered is small: nearly all of them do where only what is rare is asked for.
    """

    def __init__(self, staying_s: float, places: int, least: float = 0.0) -> None:
        self._staying_s = staying_s
        self._places = places
        self._least = least
        self._samples: tuple[tuple[float, NDArray[np.float32]], ...] = ()  # since when, and of each place

    def add(self, at_s: float, groups: NDArray[np.int32], distances: NDArray[np.float32]) -> Staying | None:
        """Take a frame: the ``groups`` of its regions and their ``distances``, both (n,). None as long as nothing has
        been seen for so many seconds, and in a frame without regions, from which on all begins again."""
        if not len(groups):
            self._samples = ()
            return None
        before = () if self._samples and at_s < self._samples[-1][0] else self._samples
        of_places = np.zeros(self._places, np.float32)
        of_places[groups] = np.where(distances > self._least, distances, np.float32(0.0))
        same = bool(before) and np.array_equal(before[-1][1], of_places)
        since_s = at_s - self._staying_s + JITTER_S
        self._samples = _reaching(before if same else (*before, (at_s, of_places)), since_s)
        if self._samples[0][0] > since_s:
            return None
        lowest = np.min([of_sample for _, of_sample in self._samples], axis=0)
        place = int(lowest.argmax())
        return Staying(float(lowest[place]), place)

    def clear(self) -> None:
        """Forget all frames."""
        self._samples = ()

    @property
    def samples(self) -> list[list[object]]:
        """The state as JSON values, oldest first: since when, which places were over ``least``, and how far."""
        return [
            [at_s, (over := np.flatnonzero(of_places)).tolist(), of_places[over].tolist()]
            for at_s, of_places in self._samples
        ]

    def restore(self, stored: Iterable[tuple[float, list[int], list[float]]]) -> None:
        """Go on from a stored state. Raises ValueError or TypeError when it is none."""
        restored = []
        for at_s, places, distances in stored:
            of_places = np.zeros(self._places, np.float32)
            for place, distance in zip(places, distances, strict=True):
                of_places[self._known(place)] = stored_distance(distance)
            restored.append((stored_time(at_s), of_places))
        times = [at_s for at_s, _ in restored]
        if times != sorted(times):
            raise ValueError("stored samples must stand oldest first")
        self._samples = tuple(restored)

    def _known(self, place: int) -> int:
        if not 0 <= place < self._places:
            raise ValueError(f"a stored place of {place}: there are {self._places}")
        return place


def _reaching(
    samples: tuple[tuple[float, NDArray[np.float32]], ...], since_s: float
) -> tuple[tuple[float, NDArray[np.float32]], ...]:
    """Those that held after ``since_s``: all but those that another followed by then."""
    held = next((n for n in range(len(samples) - 1) if samples[n + 1][0] > since_s), len(samples) - 1)
    return samples[held:]
