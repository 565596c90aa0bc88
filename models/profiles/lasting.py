"""What lasts: the least that a group of streams has shown over the last second, which what passes does not raise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from models.frames.stored_numbers import stored_rarity, stored_time

JITTER_S = 0.1  # frame times jitter: without it, a second of 5 pictures would sometimes be one of 6
Means = Sequence[float | None]  # per group, as `models.profiles.fusion.group_means`
Sample = tuple[float, float]  # time in seconds and mean


class LastingMeans:
    """Per group that has a time in ``lasting`` (number of the group, seconds) the least of its means over that time.

    Times are on any clock; where it was set back, all begins again. A group without evidence in a frame has none that
    lasts, and the frame counts for nothing later. In the first second of a view the time is that since it began.
    """

    def __init__(self, lasting: Sequence[tuple[int, float]]) -> None:
        self._lasting = tuple(lasting)
        self._samples: list[tuple[Sample, ...]] = [()] * len(self._lasting)

    def add(self, at_s: float, means: Means) -> list[float | None]:
        """Take a frame: its ``means``, then those that lasted up to it."""
        lasted: list[float | None] = []
        for position, (group, lasting_s) in enumerate(self._lasting):
            self._samples[position] = _with(self._samples[position], at_s, means[group], lasting_s)
            silent = means[group] is None
            lasted.append(None if silent else min(mean for _, mean in self._samples[position]))
        return [*means, *lasted]

    def clear(self) -> None:
        """Forget all frames."""
        self._samples = [()] * len(self._lasting)

    @property
    def samples(self) -> list[list[Sample]]:
        """The state, per lasting group: remembered (time, mean) pairs, oldest first."""
        return [list(samples) for samples in self._samples]

    def restore(self, stored: Iterable[Iterable[Iterable[float]]]) -> None:
        """Go on from a stored state. Raises ValueError or TypeError when it is none."""
        restored = [tuple((stored_time(at_s), stored_rarity(mean)) for at_s, mean in samples) for samples in stored]
        times = [[at_s for at_s, _ in samples] for samples in restored]
        if len(restored) != len(self._lasting) or times != [sorted(of_group) for of_group in times]:
            raise ValueError("stored samples must stand oldest first, of each lasting group")
        self._samples = restored


def _with(before: tuple[Sample, ...], at_s: float, mean: float | None, lasting_s: float) -> tuple[Sample, ...]:
    """The samples that count after a frame; a silent one adds none."""
    kept = () if before and at_s < before[-1][0] else before
    kept = tuple(sample for sample in kept if sample[0] > at_s - lasting_s + JITTER_S)
    return kept if mean is None else (*kept, (at_s, mean))
