"""What lasts alarms at less than what passes, live as offline, over restarts, cuts and muted streams."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from plain_bank import GROUPED, grouped_bank, lasting_bank, shared_bank
from plain_stream import features_at

from models.banks.bank import Bank
from models.banks.bank_file import check_identity, load_bank, save_bank
from models.engine.frame_scorer import FrameScore, FrameScorer
from models.frames.frame import Features
from models.memory.stretches.stretch_identity import stretch_identity
from models.profiles.profile import StreamKind

Frame = tuple[Features, Features, Features]


@pytest.fixture(params=[lasting_bank, shared_bank])
def bank(request: pytest.FixtureRequest) -> Bank:
    """Of which what lasts of the place counts: with a part of the budget of its own, and with what passes."""
    learn: Callable[[], Bank] = request.param
    return learn()


def frames(*strange: int, count: int = 60) -> list[Frame]:
    """Normal ones, but that what is seen of the place is a little strange in some."""
    noise = np.random.default_rng(7)
    places = [5.25 if n in strange else 5.0 for n in range(count)]
    return [(features_at(0.0, noise=noise), features_at(at, noise=noise), features_at(noise=noise)) for at in places]


def play(scorer: FrameScorer, shown: list[Frame], start: int = 0, cut_at: int = -1) -> list[FrameScore]:
    return [scorer.score(frame, (start + n) / 5, discontinuity=n == cut_at) for n, frame in enumerate(shown)]


def peak(bank: Bank, *strange: int) -> float:
    """The highest score, in parts of the level for one false alarm an hour."""
    return max(scored.score for scored in play(FrameScorer(bank), frames(*strange))) / bank.threshold.at(24.0).on


def test_what_lasts_comes_nearer_to_the_level_than_without_and_what_passes_does_not() -> None:
    plain, lasting = grouped_bank(), lasting_bank()
    assert peak(lasting, *range(30, 45)) > 1.05 * peak(plain, *range(30, 45))
    assert peak(lasting, 30) < 1.02 * peak(plain, 30)


def test_a_bank_holds_a_scale_of_what_lasts() -> None:
    assert (len(grouped_bank().groups), len(lasting_bank().groups)) == (2, 3)
    assert lasting_bank().profile.compared == ((0, 2), (1,), (1,))
    with pytest.raises(ValueError, match="a scale of each group"):
        replace(lasting_bank(), groups=lasting_bank().groups[:2])


@pytest.mark.parametrize("cut", [1, 31, 33, 41])
def test_a_restart_while_something_lasts_goes_on_exactly(bank: Bank, cut: int) -> None:
    shown = frames(*range(30, 40))
    first, second = FrameScorer(bank), FrameScorer(bank)
    got = play(first, shown[:cut])
    second.restore(json.loads(json.dumps(first.state())))
    assert got + play(second, shown[cut:], cut) == play(FrameScorer(bank), shown)


def test_nothing_lasts_over_a_cut(bank: Bank) -> None:
    shown = frames(*range(30, 60))
    after_a_cut = play(FrameScorer(bank), shown, cut_at=30)[30:]
    alone = play(FrameScorer(bank), shown[30:], start=30, cut_at=0)
    assert [scored.score for scored in after_a_cut] == [scored.score for scored in alone]


def test_a_muted_group_does_not_last(bank: Bank) -> None:
    calm, strange = FrameScorer(bank), FrameScorer(bank)
    for scorer in (calm, strange):
        scorer.mute(frozenset({StreamKind.GLOBAL}))
    scores = [[scored.score for scored in play(strange, frames(*some))] for some in ((), range(30, 45))]
    assert scores[0][:30] == scores[1][:30]
    assert max(scores[1]) < 1.02 * max(scores[0])


def test_rarities_alone_tell_the_same_scores_again(bank: Bank) -> None:
    """As what-if replays them."""
    scored = play(FrameScorer(bank), frames(*range(30, 45)))
    again = FrameScorer(bank)
    assert [again.score_again(one.rarities, n / 5)[0] for n, one in enumerate(scored)] == [one.score for one in scored]


def test_a_bank_from_before_its_profile_had_what_lasts_goes_on_without() -> None:
    before = grouped_bank()
    for now in (lasting_bank().profile, shared_bank().profile):
        check_identity(before, now, before.identity)
    assert "lasting" not in FrameScorer(before).state()


def test_a_bank_from_before_what_lasts_shared_its_part_scores_as_it_did(tmp_path: Path) -> None:
    before, shown = lasting_bank(), frames(*range(30, 45))
    save_bank(before, tmp_path / "bank")
    again = load_bank(tmp_path / "bank")
    check_identity(again, shared_bank().profile, again.identity)
    assert (
        play(FrameScorer(again), shown) == play(FrameScorer(before), shown) != play(FrameScorer(shared_bank()), shown)
    )


def test_a_bank_of_what_lasts_in_its_tail_scores_the_same_once_stored(tmp_path: Path) -> None:
    save_bank(shared_bank(), tmp_path / "bank")
    shown = frames(*range(30, 45))
    assert play(FrameScorer(load_bank(tmp_path / "bank")), shown) == play(FrameScorer(shared_bank()), shown)


def test_what_is_remembered_of_a_camera_stays_of_use() -> None:
    profiles = GROUPED, lasting_bank().profile, shared_bank().profile
    assert len({stretch_identity(profile, {}).fingerprint for profile in profiles}) == 1


# What lasts in its tail, and shares a part of the budget with what passes ------------------------------------------


def test_what_lasts_alarms_as_the_stream_that_it_is_of() -> None:
    scored = play(FrameScorer(shared_bank()), frames(*range(30, 45)))[44]
    assert scored.driver == "global"
    lasting = shared_bank().groups[2]
    assert scored.raw > shared_bank().groups[1].value(scored.rarities[1] or 0.0)  # so it is what lasts that leads
    assert scored.raw <= lasting.value(scored.rarities[1] or 0.0)


def test_what_is_usual_is_ordered_by_what_passes_alone() -> None:
    """However much what lasts weighs."""
    thing, passing, lasting = shared_bank().groups
    louder = replace(shared_bank(), groups=(thing, passing, replace(lasting, gain=1e6)))
    shown = frames(*range(30, 45))
    calm, loud = play(FrameScorer(shared_bank()), shown), play(FrameScorer(louder), shown)
    assert [one.raw for one in calm[:30]] == [one.raw for one in loud[:30]]
    assert max(one.raw for one in calm[:30]) < max(one.raw for one in loud) / 1e3
