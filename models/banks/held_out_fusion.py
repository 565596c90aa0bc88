"""What the held-out distances of all streams become together: one value a frame, and the threshold upon it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.alarms.alarm_threshold import ThresholdModel
from models.alarms.calibration import AnyCalibration, calibration_of
from models.banks.cross_validation import HeldOutFrames, threshold_of
from models.banks.group_scale import GroupScale, loudest
from models.profiles.fusion import fuse, group_means
from models.profiles.lasting import LastingMeans
from models.profiles.profile import Profile

_SHARED_BUDGET_PER_DAY = 24.0  # of which each group has its share: docs/decisions/036-detection.md


class HeldOutFusion:
    """``times``, in seconds, and ``runs``, the numbers of unbroken runs: one of each per held-out frame."""

    def __init__(self, profile: Profile, times: Sequence[float], runs: Sequence[int]) -> None:
        self._profile, self._times, self._runs = profile, times, runs

    def fuse(
        self, held_out: Sequence[Sequence[HeldOutFrames | None]], calibrations: Sequence[AnyCalibration]
    ) -> tuple[tuple[GroupScale, ...], list[float | None]]:
        """The scales of the profile's groups, none for a single one, and the fused value of every frame."""
        weights, groups = [spec.weight for spec in self._profile.streams], self._profile.groups
        rows = []
        for parts in zip(*held_out, strict=True):
            distances = [part.distance.value if part else None for part in parts]
            rarities = [c.rarity(d) if d is not None else None for c, d in zip(calibrations, distances, strict=True)]
            rows.append((distances, rarities))
        if len(self._profile.compared) == 1:
            return (), [fuse(self._profile.fusion, weights, *row) for row in rows]
        means = self._with_lasting([group_means(groups, weights, rarities) for _, rarities in rows])
        shares = self._profile.shares_of_budget(_SHARED_BUDGET_PER_DAY)
        columns = zip(zip(*means, strict=True), shares, strict=True)
        scales = tuple(self._scale_of_group(column, share) for column, share in columns)
        highest = [loudest(scales, row, self._profile.only_in_tail) for row in means]
        return scales, [found.value if found else None for found in highest]

    def threshold(self, fused_values: Sequence[float | None], fused: AnyCalibration) -> ThresholdModel:
        return threshold_of(self._times, self._runs, fused_values, fused, self._profile.smoothing_s)

    def _with_lasting(self, means: Sequence[list[float | None]]) -> list[list[float | None]]:
        """Of every frame the groups' means, then what lasts of them within its run."""
        lasting, extended = LastingMeans(self._profile.lasting), []
        for number, (at_s, row) in enumerate(zip(self._times, means, strict=True)):
            if number and self._runs[number] != self._runs[number - 1]:
                lasting.clear()
            extended.append(lasting.add(at_s, row))
        return extended

    def _scale_of_group(self, means: Sequence[float | None], share: float) -> GroupScale:
        calibration = calibration_of_known(means)
        return GroupScale.fit(calibration, self.threshold(means, calibration), share)


def calibration_of_known(values: Sequence[float | None]) -> AnyCalibration:
    """Of the frames that have a value."""
    return calibration_of(np.array([value for value in values if value is not None], np.float64), len(values))
