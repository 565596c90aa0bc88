"""Groups of streams: the highest decides, and each is as likely as any other to be the one that alarms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from plain_bank import GROUPED, grouped_bank, plain_bank
from plain_stream import DIM, features_at
from simulated_scores import simulated_run

from models.alarms.alarm_threshold import ThresholdModel
from models.alarms.calibration import (
    HALF_SCORE_RARITY,
    NEUTRAL_RARITY,
    TAIL_RARITY,
    RankCalibration,
    calibration_of,
    score_of,
)
from models.alarms.event_counts import EventCounts
from models.alarms.event_detector import EventRule
from models.banks.group_scale import GroupScale, loudest
from models.engine.frame_explanation import explain
from models.engine.frame_scorer import FrameScorer
from models.frames.frame import Features
from models.profiles.fusion import fuse, group_means
from models.profiles.profile import Fusion, StreamKind

NOISE = np.random.default_rng(3)
RARITIES = st.none() | st.floats(0, 20)


def _frame(local: float = 0.0, whole: float = 5.0, speed: float | None = 2.0) -> list[Features]:
    return [
        features_at(local, noise=NOISE),
        features_at(whole, noise=NOISE),
        Features.none(DIM) if speed is None else features_at(speed, noise=NOISE),
    ]


def _score(features: list[Features]) -> Any:
    return FrameScorer(grouped_bank()).score(features, 0.0)


# What is compared -----------------------------------------------------------------------------------------------


@given(rarities=st.lists(RARITIES, min_size=3, max_size=3))
def test_a_group_s_mean_is_that_of_its_own_streams_alone(rarities: list[float | None]) -> None:
    weights = [0.7, 0.3, 0.6]
    thing, place = group_means(GROUPED.groups, weights, rarities)
    assert thing == fuse(Fusion.CALIBRATED, [0.7, 0.6], [None, None], [rarities[0], rarities[2]])
    assert place == (None if rarities[1] is None else pytest.approx(rarities[1]))


def test_a_group_of_no_weight_never_has_a_value() -> None:
    assert group_means([(0,), (1,)], [0.0, 1.0], [9.0, 2.0]) == [None, 2.0]


@given(means=st.lists(RARITIES, min_size=2, max_size=2))
def test_the_highest_group_decides_and_neither_calm_nor_silence_vetoes_it(means: list[float | None]) -> None:
    scales = [GroupScale(RankCalibration(np.arange(0.0, 5.0, 0.01), 500), gain) for gain in (1.0, 1.4)]
    values = [None if mean is None else scale.value(mean) for scale, mean in zip(scales, means, strict=True)]
    known = [value for value in values if value is not None]
    found = loudest(scales, means)
    assert (found is None) == (not known)
    if found is not None:
        assert (found.value, values[found.group]) == (max(known), max(known))


@given(means=st.lists(RARITIES, min_size=2, max_size=2))
def test_a_group_that_counts_only_in_its_tail_is_silent_below(means: list[float | None]) -> None:
    scales = [GroupScale(RankCalibration(np.arange(0.0, 5.0, 0.01), 500), gain) for gain in (1.0, 9.0)]
    first, second = means
    counted = [first, None if second is None or second <= TAIL_RARITY else second]
    assert loudest(scales, means, only_in_tail={1}) == loudest(scales, counted)
    assert loudest(scales, [0.5, 1.3], only_in_tail={1}) == loudest(scales, [0.5, None])
    assert loudest(scales, [0.5, 1.31], only_in_tail={1}) == loudest(scales, [0.5, 1.31])


def test_a_gain_multiplies_the_rarity_of_the_group_s_mean() -> None:
    calibration = RankCalibration(np.arange(0.0, 5.0, 0.01), 500)
    assert [GroupScale(calibration, gain).value(4.0) / calibration.rarity(4.0) for gain in (0.5, 1.0, 3.0)] == [
        pytest.approx(gain) for gain in (0.5, 1.0, 3.0)
    ]


def test_groups_are_in_the_order_in_which_they_are_first_named() -> None:
    assert GROUPED.groups == ((0, 2), (1,))
    assert replace(GROUPED, streams=GROUPED.streams[:1]).groups == ((0,),)


@pytest.mark.parametrize("gain", [0.0, -1.0, float("inf"), float("nan")])
def test_a_gain_that_compares_nothing_is_refused(gain: float) -> None:
    with pytest.raises(ValueError, match="gain must be positive"):
        GroupScale(RankCalibration(np.zeros(0), 3), gain)


# Gains ----------------------------------------------------------------------------------------------------------

HOURS, SHARE = 5.0, 96.0


def _alarms(times: NDArray[np.float64], rarities: NDArray[np.float64], level: float) -> int:
    """Events that rarities open at a level."""
    scores = rarities / (rarities + HALF_SCORE_RARITY)
    return EventCounts.from_runs([(times, scores)], EventRule(on=1.0, off=0.75)).count(score_of(level))


def test_groups_of_unlike_tails_alarm_at_equal_shares() -> None:
    """At one level for all; what one level means without gains is another thing for each."""
    rarities, gains, times = {}, {}, np.zeros(0)
    for seed, tail in enumerate(("heavy", "bounded")):
        times, means = simulated_run(tail, HOURS * 3600, seed)
        calibration = calibration_of(means, len(means))
        rarities[tail] = np.array([calibration.rarity(mean) for mean in means.tolist()])
        alone = ThresholdModel.fit([(times, rarities[tail] / (rarities[tail] + HALF_SCORE_RARITY))])
        gains[tail] = GroupScale.fit(calibration, alone, SHARE).gain
    expected = SHARE * HOURS / 24.0
    compared = {tail: gains[tail] * rarities[tail] for tail in gains}
    counts = {tail: _alarms(times, values, HALF_SCORE_RARITY) for tail, values in compared.items()}
    assert counts == {tail: pytest.approx(expected, rel=0.2) for tail in compared}
    together = np.maximum(compared["heavy"], compared["bounded"])
    assert _alarms(times, together, HALF_SCORE_RARITY) == pytest.approx(2 * expected, rel=0.2)
    assert _alarms(times, rarities["bounded"], HALF_SCORE_RARITY / gains["heavy"]) < 0.6 * expected


# In a bank and a score ------------------------------------------------------------------------------------------


def test_a_bank_of_one_group_has_the_former_mean_to_the_last_bit() -> None:
    bank, weights = plain_bank(), [0.7, 0.3]
    assert bank.groups == ()
    for local, whole in ((0.0, 5.0), (9.0, 5.0), (3.0, 8.0)):
        score = FrameScorer(bank).score((features_at(local, noise=NOISE), features_at(whole, noise=NOISE)), 0.0)
        assert score.raw == fuse(Fusion.CALIBRATED, weights, [None, None], score.rarities)
        assert score.unsmoothed == score_of(bank.fused.rarity(score.raw))


def test_a_single_named_group_is_no_other_than_none() -> None:
    named = replace(plain_bank().profile, streams=tuple(replace(s, group="all") for s in plain_bank().profile.streams))
    bank = replace(plain_bank(), profile=named)
    frame = features_at(4.0, noise=NOISE), features_at(5.0, noise=NOISE)
    assert FrameScorer(bank).score(frame, 0.0) == FrameScorer(plain_bank()).score(frame, 0.0)


@pytest.mark.parametrize("frame", [_frame(), _frame(local=9.0), _frame(whole=9.0), _frame(speed=None, local=4.0)])
def test_the_fused_value_is_that_of_the_highest_group(frame: list[Features]) -> None:
    bank, score = grouped_bank(), _score(frame)
    local, whole, speed = score.rarities
    known = [(0.7, local), *([(0.6, speed)] if speed is not None else [])]
    thing = sum(weight * value for weight, value in known) / sum(weight for weight, _ in known)
    values = [scale.value(mean) for scale, mean in zip(bank.groups, (thing, whole), strict=True)]
    assert score.raw == pytest.approx(max(values), rel=1e-12)
    assert score.driver in (("local", "velocity"), ("global",))[int(np.argmax(values))]


def test_a_strange_group_alarms_as_high_whether_the_other_is_calm_or_silent() -> None:
    strange = features_at(9.0, noise=NOISE)
    calm, nothing = features_at(5.0, noise=NOISE), Features.none(DIM)
    scores = [_score([strange, whole, nothing]).raw for whole in (calm, nothing)]
    assert scores[0] == scores[1] > 0


def test_without_any_evidence_the_score_is_neutral() -> None:
    score = _score([Features.none(DIM)] * 3)
    assert (score.raw, score.driver) == (0.0, None)
    assert 0 < score.score < grouped_bank().rule.on


@pytest.mark.parametrize(("frame", "leading"), [(_frame(local=9.0), "local"), (_frame(whole=9.0), "global")])
def test_contributions_belong_to_the_leading_group(frame: list[Features], leading: str) -> None:
    score = _score(frame)
    assert score.driver == leading
    found = {part.name: part.contribution for part in explain(grouped_bank(), frame, score)}
    assert sum(found.values()) == pytest.approx(1.0)
    outside = {"local": ["global"], "global": ["local", "velocity"]}[leading]
    assert [found[name] for name in outside] == [0.0] * len(outside)
    local, _, speed = score.rarities
    share = 0.7 * local / (0.7 * local + 0.6 * speed)
    assert found[leading] == pytest.approx(share if leading == "local" else 1.0)


def test_the_driver_is_of_the_highest_group_whatever_another_s_streams_weigh() -> None:
    thing, place = grouped_bank().groups
    bank = replace(grouped_bank(), groups=(replace(thing, gain=1e-6), replace(place, gain=1.0)))
    frame = _frame(local=9.0)
    score = FrameScorer(bank).score(frame, 0.0)
    assert score.driver == "global"
    assert score.raw == place.calibration.rarity(score.rarities[1] or 0.0)
    assert [part.contribution for part in explain(bank, frame, score)] == [0.0, 1.0, 0.0]


@pytest.mark.parametrize("groups", [(), grouped_bank().groups[:1], grouped_bank().groups * 2])
def test_a_bank_without_a_scale_of_each_group_is_refused(groups: tuple[GroupScale, ...]) -> None:
    with pytest.raises(ValueError, match="a scale of each group"):
        replace(grouped_bank(), groups=groups)


def test_the_id_of_a_bank_depends_on_its_groups() -> None:
    bank = grouped_bank()
    assert replace(bank, groups=bank.groups[::-1]).id != bank.id


def test_a_muted_stream_counts_for_nothing_until_it_is_heard_again() -> None:
    strange, bank = _frame(whole=9.0), grouped_bank()
    scorer = FrameScorer(bank)
    loud = scorer.score(strange, 0.0)
    assert loud.driver == "global"
    scorer.mute(frozenset({StreamKind.GLOBAL}))
    muted = scorer.score(strange, 60.0)
    assert muted.driver != "global"
    assert muted.raw < loud.raw
    assert muted.rarities == loud.rarities  # it is still measured
    scorer.mute(frozenset())
    assert scorer.score(strange, 120.0).raw == loud.raw


def test_with_everything_muted_the_score_is_neutral() -> None:
    """Also where it was high before: an open event would stay open for ever."""
    scorer = FrameScorer(grouped_bank())
    assert scorer.score(_frame(whole=9.0, local=9.0), 0.0).score > score_of(NEUTRAL_RARITY)
    scorer.mute(frozenset(StreamKind))
    score = scorer.score(_frame(whole=9.0, local=9.0), 0.2)
    assert score.driver is None
    assert score.score == score_of(NEUTRAL_RARITY)
