"""What stays at a place where things only pass alarms, live as offline, over restarts, cuts, muting and corrections."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from plain_bank import IDENTITY
from plain_stream import PICTURE
from watched_places import BOXES, FPS, PLACES, WATCHED, PlacesStream, film, lies, passes, seen, walks, watched_bank

from models.alarms.calibration import TAIL_RARITY, RankCalibration
from models.banks.additions import Addition, Additions
from models.banks.bank import Bank
from models.banks.bank_builder import BankBuilder
from models.banks.bank_file import check_identity, load_bank, save_bank
from models.banks.rare_vectors import rare_vectors
from models.engine.frame_explanation import explain
from models.engine.frame_scorer import FrameScore, FrameScorer
from models.frames.frame import Features
from models.memory.stretches.stretch_identity import stretch_identity
from models.profiles.profile import StreamKind

Frames = list[tuple[Features]]
WITHOUT = replace(WATCHED, streams=(replace(WATCHED.streams[0], staying_s=0.0),))


def play(scorer: FrameScorer, shown: Frames, start: int = 0, cut_at: int = -1) -> list[FrameScore]:
    return [scorer.score(one, (start + n) / FPS, discontinuity=n == cut_at) for n, one in enumerate(shown)]


def peak(bank: Bank, shown: Frames, scorer: FrameScorer | None = None) -> float:
    """The highest score, in parts of the level."""
    return max(scored.score for scored in play(scorer or FrameScorer(bank), shown)) / bank.rule.on


def test_what_lies_where_things_pass_alarms_and_what_passes_does_not() -> None:
    assert peak(watched_bank(), film(lies())) > 1.0
    assert peak(watched_bank(), film(walks())) < 1.0


def test_it_is_reported_as_the_place_where_it_is() -> None:
    shown = film(lies(place=7))
    scores = play(FrameScorer(watched_bank()), shown)
    scored = scores[100]
    assert (scored.driver, scored.box_xyxy_px) == ("place", tuple(BOXES[7].tolist()))
    own, staying = scored.rarities
    assert own is not None
    assert staying is not None
    assert staying > TAIL_RARITY
    assert scores[30].rarities[1] is None
    [part] = explain(watched_bank(), shown[100], scored)
    assert part.contribution == 1.0


@pytest.mark.parametrize("cut", [1, 61, 70, 77, 100, 115])
def test_a_restart_while_it_stays_goes_on_exactly(cut: int) -> None:
    shown, bank = film(lies()), watched_bank()
    first, second = FrameScorer(bank), FrameScorer(bank)
    got = play(first, shown[:cut])
    second.restore(json.loads(json.dumps(first.state())))
    assert got + play(second, shown[cut:], cut) == play(FrameScorer(bank), shown)


def test_nothing_stays_over_a_cut() -> None:
    """Nor does what was there when the view began: it came from nowhere."""
    both = {n: [(5, 2.0)] + ([(9, 2.0)] if n >= 110 else []) for n in range(60, 150)}
    scores = play(FrameScorer(watched_bank()), film(both), cut_at=80)
    assert scores[79].box_xyxy_px == tuple(BOXES[5].tolist())
    assert (scores[79].rarities[1] or 0.0) > 1.1 * TAIL_RARITY
    assert max(scored.rarities[1] or 0.0 for scored in scores[80:124]) < 1.02 * TAIL_RARITY
    assert (scores[126].rarities[1] or 0.0) > 1.05 * TAIL_RARITY
    assert scores[126].box_xyxy_px == tuple(BOXES[9].tolist())


def test_muted_places_stay_silent_and_rarities_tell_the_same_scores_again() -> None:
    bank, shown = watched_bank(), film(lies())
    muted = FrameScorer(bank)
    muted.mute(frozenset({StreamKind.PLACE}))
    assert len({scored.score for scored in play(muted, shown)}) == 1
    again, scores = FrameScorer(bank), play(FrameScorer(bank), shown)
    assert [again.score_again(one.rarities, n / FPS) for n, one in enumerate(scores)] == [
        (one.score, one.driver) for one in scores
    ]


def test_a_bank_scores_the_same_once_stored(tmp_path: Path) -> None:
    save_bank(watched_bank(), tmp_path / "bank")
    stored = load_bank(tmp_path / "bank")
    assert stored.id == watched_bank().id
    assert play(FrameScorer(stored), film(lies())) == play(FrameScorer(watched_bank()), film(lies()))
    with pytest.raises(ValueError, match="one calibration of each stream of which what stays"):
        replace(watched_bank(), staying=())


def test_a_bank_from_before_its_profile_had_it_goes_on_without_and_what_is_remembered_stays_of_use() -> None:
    learner = BankBuilder(WITHOUT, [PlacesStream("place")], IDENTITY)
    noise = np.random.default_rng(8)
    for n in range(300):
        learner.add(n / FPS, (seen(noise, passes(n, 2.0)),), PICTURE)
    before = learner.build(["normal.mp4"])
    check_identity(before, WATCHED, before.identity)
    assert "staying" not in FrameScorer(before).state()
    assert len({stretch_identity(profile, {}).fingerprint for profile in (WATCHED, WITHOUT)}) == 1


def test_an_operators_word_silences_it_there_and_is_taken_back_to_the_bit() -> None:
    """Though no single picture of it is rare: only that it stays."""
    bank = watched_bank()
    marked = film(lies(), seed=20)[60:110]
    addition = Addition(rare_vectors(bank, marked))
    again, elsewhere = film(lies(), seed=21), film(lies(place=1), seed=22)
    scorer = FrameScorer(bank)
    scorer.use_additions(Additions(bank, [addition]))
    assert peak(bank, again, scorer) < 1.0 < peak(bank, again)
    corrected = FrameScorer(bank)
    corrected.use_additions(Additions(bank, [addition]))
    assert peak(bank, elsewhere, corrected) > 1.0
    undone = FrameScorer(bank)
    undone.use_additions(Additions(bank, [addition]))
    first = play(undone, again[:90])
    undone.use_additions(None)
    rest = play(undone, again[90:], 90)
    plain = play(FrameScorer(bank), again)
    assert [one.score for one in rest] == [one.score for one in plain[90:]]
    assert [one.score_without_additions for one in first] == [one.score for one in plain[:90]]


def test_a_corrected_camera_goes_on_exactly_after_a_restart() -> None:
    bank, shown = watched_bank(), film(lies(), seed=21)
    additions = Additions(bank, [Addition(rare_vectors(bank, film(lies(place=9), seed=20)[60:110]))])
    first, second, whole = FrameScorer(bank), FrameScorer(bank), FrameScorer(bank)
    for scorer in (first, second, whole):
        scorer.use_additions(additions)
    got = play(first, shown[:85])
    second.restore(json.loads(json.dumps(first.state())))
    assert got + play(second, shown[85:], 85) == play(whole, shown)


def test_footage_in_short_pieces_calls_nothing_that_stays_rare() -> None:
    """Where it cannot be told how long things stay there."""
    learner = BankBuilder(WATCHED, [PlacesStream("place")], IDENTITY)
    noise = np.random.default_rng(8)
    for n in range(400):
        learner.add(n / FPS, (seen(noise, passes(n, 2.0)),), PICTURE, starts_run=n % (2 * FPS) == 0)
    bank = learner.build(["normal.mp4"])
    [calibration] = bank.staying
    assert isinstance(calibration, RankCalibration)
    scores = play(FrameScorer(bank), film(lies(strange=9.0)))
    assert all(scored.rarities[1] is None for scored in scores)
    assert len(bank.groups) == 2 == len(bank.profile.compared)
    assert bank.streams[0].vectors.shape[1] == PLACES
