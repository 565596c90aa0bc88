"""Groups of streams made comparable: each alarms on a share of the budget of its own, and none vetoes another."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Self

from models.alarms.alarm_threshold import ThresholdModel
from models.alarms.calibration import TAIL_RARITY, AnyCalibration


@dataclass(frozen=True)
class GroupScale:
    """``calibration``: of the mean rarity of the group's streams. ``gain``: brings the level at which the group by
    itself would spend its share of the budget to the same value in every group."""

    calibration: AnyCalibration
    gain: float

    def __post_init__(self) -> None:
        if not 0.0 < self.gain < float("inf"):
            raise ValueError(f"a group's gain must be positive, not {self.gain}")

    @classmethod
    def fit(cls, calibration: AnyCalibration, alone: ThresholdModel, false_alarms_per_day: float) -> Self:
        """``alone``: of the group's held-out scores; ``false_alarms_per_day``: the group's share."""
        on = alone.at(false_alarms_per_day).on
        return cls(calibration, (1.0 - on) / on)

    def value(self, mean: float) -> float:
        """From the group's mean rarity to what is compared between groups."""
        return self.gain * self.calibration.rarity(mean)


@dataclass(frozen=True)
class Loudest:
    """The group with the highest value in a frame."""

    group: int
    value: float


def loudest(
    scales: Sequence[GroupScale], means: Sequence[float | None], only_in_tail: Collection[int] = ()
) -> Loudest | None:
    """None where no group has evidence. ``means``: per group, as `models.profiles.fusion.group_means`.
    ``only_in_tail``: groups that count only where their mean rarity is above that of one frame in twenty."""
    values = [
        Loudest(group, scale.value(mean))
        for group, (scale, mean) in enumerate(zip(scales, means, strict=True))
        if mean is not None and (group not in only_in_tail or mean > TAIL_RARITY)
    ]
    return max(values, key=lambda candidate: candidate.value, default=None)
