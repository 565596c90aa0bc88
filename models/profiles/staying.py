"""What came to a place and stays: how far that place is from normal all along, which what passes does not raise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.frames.stored_numbers import stored_distance, stored_time
from models.profiles.lasting import JITTER_S

CAME_WITHIN_S = 60.0
_Stored = tuple[float, list[int], list[float]]


@dataclass(frozen=True)
class Staying:
    """The place (number of its group) whose least ``distance`` over the last seconds is the largest."""

    distance: float
    place: int


class StayingPlaces:
    """Per place the least of its distances over the last ``staying_s`` seconds, and the place where that is largest.

    Times are on any clock; where it was set back, all begins again. A distance holds until the next one is given. A
    place that does not count in a frame stays nothing.

    ``least``: where only what is rarer is asked for, distances up to it count as 0, so that what is remembered is
    small: nearly all of them do. Then a place counts for `CAME_WITHIN_S` after it was last seen as near: what a view
    began with, and light that changes over minutes, came from nowhere.
    """

    def __init__(self, staying_s: float, places: int, least: float = 0.0) -> None:
        self._staying_s = staying_s
        self._places = places
        self._least = least
        self._samples: tuple[tuple[float, NDArray[np.float32]], ...] = ()  # since when, and of each place
        self._near_s = np.full(places, -np.inf)  # when each was last seen to be near
        self._last_s = 0.0  # of the last frame

    def add(self, at_s: float, groups: NDArray[np.int32], distances: NDArray[np.float32]) -> Staying | None:
        """Take a frame: the ``groups`` of its regions and their ``distances``, both (n,). None as long as nothing has
        been seen for so many seconds, and in a frame without regions, from which on all begins again."""
        if not len(groups) or (self._samples and at_s < self._last_s):
            self.clear()
        if not len(groups):
            return None
        before = self._samples
        of_places = np.zeros(self._places, np.float32)
        of_places[groups] = np.where(distances > self._least, distances, np.float32(0.0))
        self._near_s[of_places == 0.0] = at_s
        self._last_s = at_s
        same = bool(before) and np.array_equal(before[-1][1], of_places)
        since_s = at_s - self._staying_s + JITTER_S
        self._samples = _reaching(before if same else (*before, (at_s, of_places)), since_s)
        if self._samples[0][0] > since_s:
            return None
        lowest = np.min([of_sample for _, of_sample in self._samples], axis=0)
        if self._least > 0.0:
            lowest[self._near_s < at_s - CAME_WITHIN_S] = 0.0
        place = int(lowest.argmax())
        return Staying(float(lowest[place]), place)

    def clear(self) -> None:
        """Forget all frames."""
        self._samples = ()
        self._near_s[:] = -np.inf

    def state(self) -> list[object]:
        """JSON values that `restore` takes: the time of the last frame, which places are not near and since when, and
        oldest first the samples: since when, which places were over ``least``, and how far."""
        known = np.flatnonzero((self._near_s < self._last_s) & (self._near_s > -np.inf))
        samples = [
            [at_s, (over := np.flatnonzero(of_places)).tolist(), of_places[over].tolist()]
            for at_s, of_places in self._samples
        ]
        return [self._last_s, known.tolist(), self._near_s[known].tolist(), samples]

    def restore(self, last_s: float, places: list[int], near_s: list[float], samples: Iterable[_Stored]) -> None:
        """Go on from a stored state. Raises ValueError or TypeError when it is none."""
        restored = [(stored_time(at_s), self._of_places(of, distances)) for at_s, of, distances in samples]
        times = [at_s for at_s, _ in restored]
        if times != sorted(times):
            raise ValueError("stored samples must stand oldest first")
        self._last_s, self._samples = stored_time(last_s), tuple(restored)
        self._near_s[:] = -np.inf
        if restored:
            self._near_s[restored[-1][1] == 0.0] = self._last_s
        for place, at_s in zip(places, near_s, strict=True):
            self._near_s[self._known(place)] = stored_time(at_s)

    def _of_places(self, places: list[int], distances: list[float]) -> NDArray[np.float32]:
        of_places = np.zeros(self._places, np.float32)
        for place, distance in zip(places, distances, strict=True):
            of_places[self._known(place)] = stored_distance(distance)
        return of_places

    def _known(self, place: int) -> int:
        if not isinstance(place, int) or not 0 <= place < self._places:
            raise ValueError(f"a stored place of {place}: there are {self._places}")
        return place


def _reaching(
    samples: tuple[tuple[float, NDArray[np.float32]], ...], since_s: float
) -> tuple[tuple[float, NDArray[np.float32]], ...]:
    """Those that held after ``since_s``: all but those that another followed by then."""
    held = next((n for n in range(len(samples) - 1) if samples[n + 1][0] > since_s), len(samples) - 1)
    return samples[held:]
