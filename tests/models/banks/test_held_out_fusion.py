"""What the groups of a profile may spend of the alarm budget, and what that does to their levels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from simulated_scores import simulated_run

from models.alarms.calibration import calibration_of
from models.banks.bank import StreamDistance
from models.banks.cross_validation import HeldOutFrames
from models.banks.group_scale import GroupScale
from models.banks.held_out_fusion import HeldOutFusion
from models.profiles.profile import Fusion, Profile, StreamKind, StreamSpec

PLACE = StreamSpec("place", StreamKind.PLACE, 1.0, group="place", lasting_s=1.0)
VELOCITY = StreamSpec("velocity", StreamKind.VELOCITY, 1.0, group="behaviour")
CATEGORY = StreamSpec("category", StreamKind.CATEGORY, 1.0, group="thing")
SHARING = replace(CATEGORY, lasting_s=1.0, lasting_in_tail=True, passing_share=0.2)
TAILS = ("heavy", "exponential", "bounded")


def scales(category: StreamSpec) -> tuple[GroupScale, ...]:
    """Of ten minutes of footage, whose streams have unlike tails."""
    profile = Profile("mine", Fusion.CALIBRATED, (PLACE, VELOCITY, category))
    runs = [simulated_run(tail, 600.0, seed) for seed, tail in enumerate(TAILS)]
    held_out = [
        [HeldOutFrames(StreamDistance(one, 0), np.zeros(1, np.float32), one) for one in run[1].tolist()] for run in runs
    ]
    calibrations = [calibration_of(values, len(values)) for _, values in runs]
    times = runs[0][0].tolist()
    return HeldOutFusion(profile, times, [0] * len(times)).fuse(held_out, calibrations)[0]


def _frame(value: float) -> HeldOutFrames:
    return HeldOutFrames(StreamDistance(value, 0), np.zeros(1, np.float32), value)


def test_the_levels_of_other_groups_are_the_same_to_the_bit_where_what_lasts_shares_a_part() -> None:
    before, after = scales(CATEGORY), scales(SHARING)
    for number in (0, 1, 3):  # place, behaviour, and what lasts of place
        assert after[number].gain == before[number].gain
        assert np.array_equal(after[number].calibration.levels, before[number].calibration.levels)


def test_with_a_part_of_its_own_what_lasts_takes_from_all_others() -> None:
    before, after = scales(CATEGORY), scales(replace(CATEGORY, lasting_s=1.0))
    assert all(after[number].gain < before[number].gain for number in range(4))


def test_what_passes_has_its_share_of_the_part_and_what_lasts_the_rest() -> None:
    """The less it may spend, the higher its level, and the lower its gain."""
    shares = [scales(replace(SHARING, passing_share=share)) for share in (0.1, 0.2, 0.5)]
    assert shares[0][2].gain < shares[1][2].gain < shares[2][2].gain < scales(CATEGORY)[2].gain
    assert shares[0][4].gain > shares[1][4].gain > shares[2][4].gain
