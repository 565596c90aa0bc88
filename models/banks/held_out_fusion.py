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
from models.profiles.staying import StayingPlaces

_SHARED_BUDGET_PER_DAY = 24.0  # of which each group has its share: docs/decisions/036-detection.md


class HeldOutFusion:
    """``times``, in seconds, and ``runs``, the numbers of unbroken runs: one of each per held-out frame."""

    def __init__(self, profile: Profile, times: Sequence[float], runs: Sequence[int]) -> None:
        self._profile, self._times, self._runs = profile, times, runs

    def fuse(
        self,
        held_out: Sequence[Sequence[HeldOutFrames | None]],
        calibrations: Sequence[AnyCalibration],
        staying: Sequence[AnyCalibration] = (),
    ) -> tuple[tuple[GroupScale, ...], list[float | None]]:
        """The scales of what the profile compares, none for a single one, and the fused value of every frame.
        ``staying``: calibrations of `staying`."""
        weights, groups = [spec.weight for spec in self._profile.streams], self._profile.groups
        rows = []
        for parts in zip(*held_out, strict=True):
            distances = [part.distance.value if part else None for part in parts]
            rarities = [c.rarity(d) if d is not None else None for c, d in zip(calibrations, distances, strict=True)]
            rows.append((distances, rarities))
        if len(self._profile.compared) == 1:
            return (), [fuse(self._profile.fusion, weights, *row) for row in rows]
        means = self._with_lasting([group_means(groups, weights, rarities) for _, rarities in rows])
        for column, calibration in zip(self.staying(held_out), staying, strict=True):
            for row, distance in zip(means, column, strict=True):
                row.append(None if distance is None else calibration.rarity(distance))
        shares = self._profile.shares_of_budget(_SHARED_BUDGET_PER_DAY)
        columns = zip(zip(*means, strict=True), shares, strict=True)
        scales = tuple(self._scale_of_group(column, share) for column, share in columns)
        highest = [loudest(scales, row, self._profile.only_in_tail) for row in means]
        return scales, [found.value if found else None for found in highest]

    def staying(self, held_out: Sequence[Sequence[HeldOutFrames | None]]) -> list[list[float | None]]:
        """Per stream of which what stays at its place counts: of every frame the least distance over the last seconds
        of its run, of the farthest place; None where the run is not that long yet."""
        return [self._staying(held_out[position], staying_s) for position, staying_s in self._profile.staying]

    def _staying(self, frames: Sequence[HeldOutFrames | None], staying_s: float) -> list[float | None]:
        regions = np.arange(max((len(frame.vectors) for frame in frames if frame), default=0), dtype=np.int32)
        places, column = StayingPlaces(staying_s, len(regions)), list[float | None]()
        for number, (at_s, frame) in enumerate(zip(self._times, frames, strict=True)):
            if number and self._runs[number] != self._runs[number - 1]:
                places.clear()
            distances = np.zeros(0, np.float32) if frame is None else frame.vectors
            staying = places.add(at_s, regions[: len(distances)], distances)
            column.append(None if staying is None else staying.distance)
        return column

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
        """As a view begins, where no event opens yet, a group shows as well as elsewhere how restless it is."""
        calibration = calibration_of_known(means)
        alone = threshold_of(self._times, self._runs, means, calibration, self._profile.smoothing_s, opens_after_s=0.0)
        return GroupScale.fit(calibration, alone, share)


def calibration_of_known(values: Sequence[float | None]) -> AnyCalibration:
    """Of the frames that have a value."""
    return calibration_of(np.array([value for value in values if value is not None], np.float64), len(values))
