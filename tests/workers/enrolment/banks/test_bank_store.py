"""A bank that was just learnt takes the place of the present one unless it is worse at the same view."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from plain_bank import plain_bank
from static_view import moved, noisy, view

from models.banks.bank import Bank
from models.banks.bank_file import save_bank
from models.banks.coverage import Sufficiency
from models.exemplars.provenance import thumbnail
from patchwatch.messages.banks.bank_version import BankOrigin
from workers.enrolment.banks.bank_store import StoredBank, store_bank
from workers.enrolment.banks.bank_versions import BankVersions

Picture = np.ndarray
DARK = (view() * 0.1).astype(np.uint8)


@pytest.fixture
def versions(tmp_path: Path) -> BankVersions:
    return BankVersions(tmp_path / "banks", "door", "small")


def of(picture: Picture | None, seconds: float) -> Bank:
    """A bank of so much footage of a view; of None nothing is known."""
    bank = plain_bank()
    shown = [b"" if picture is None else thumbnail(noisy(picture, n)) for n in range(len(bank.moments.thumbnails))]
    return replace(
        bank,
        moments=replace(bank.moments, thumbnails=tuple(shown)),
        footage=replace(bank.footage, seconds=seconds),
        created_at=f"2026-11-28T05:00:{seconds % 60:02.0f}+00:00",
    )


ASKED = BankOrigin(by="a test")
OWN = BankOrigin(by="learnt by itself", by_itself=True)


def stored(versions: BankVersions, bank: Bank, origin: BankOrigin = ASKED) -> StoredBank:
    with versions.staging() as staged:
        save_bank(bank, staged)
        return store_bank(bank, staged, versions, origin, activate=False)


def judged(bank: Bank, verdict: Sufficiency) -> Bank:
    return replace(bank, coverage=replace(bank.coverage, verdict=verdict))


@pytest.mark.parametrize("shown", [view(), DARK, None], ids=["the same view", "by night", "unknown"])
def test_a_bank_of_far_less_footage_is_kept_beside_the_present_one(versions: BankVersions, shown: Picture) -> None:
    present = stored(versions, of(view(), 600.0)).version
    outcome = stored(versions, of(shown, 20.0))
    assert (outcome.activated, versions.active_id) == (False, present.id)
    assert f"kept the present bank {present.id}, because the new one was learnt from 20 s" in outcome.summary


def test_a_bank_of_another_view_takes_the_place_of_a_longer_one(versions: BankVersions) -> None:
    """After a camera was moved, the present bank knows nothing of what it shows."""
    present = stored(versions, of(view(), 600.0)).version
    outcome = stored(versions, of(moved(view()), 20.0))
    assert (outcome.activated, versions.active_id) == (True, outcome.version.id)
    assert "because the camera shows another view since" in outcome.summary
    assert f"Go back with `patchwatch banks activate door {present.id}`" in outcome.summary


def test_a_better_bank_of_another_view_needs_no_excuse(versions: BankVersions) -> None:
    stored(versions, of(view(), 20.0))
    outcome = stored(versions, of(moved(view()), 600.0))
    assert outcome.activated
    assert "another view" not in outcome.summary


def test_what_an_operator_had_it_learn_stays_until_more_than_that_is_remembered(versions: BankVersions) -> None:
    asked = stored(versions, of(view(), 600.0)).version
    fewer = stored(versions, of(view(), 599.0), OWN)
    assert (fewer.activated, versions.active_id) == (False, asked.id)
    assert "that was learnt from 600 s of footage, and only 599 s are remembered" in fewer.summary
    more = stored(versions, of(view(), 601.0), OWN)
    assert (more.activated, versions.active_id) == (True, more.version.id)
    assert f"Go back with `patchwatch banks activate door {asked.id}`" in more.summary


def test_of_two_of_its_own_the_later_one_scores_whatever_the_verdicts_say(versions: BankVersions) -> None:
    """The verdict on a minute of footage is more hopeful than that on an hour, and must not keep it."""
    stored(versions, judged(of(view(), 61.0), Sufficiency.COMPLETE), OWN)
    later = stored(versions, judged(of(view(), 182.0), Sufficiency.STILL_LEARNING), OWN)
    assert (later.activated, versions.active_id) == (True, later.version.id)
    operators = stored(versions, judged(of(view(), 243.0), Sufficiency.TOO_SHORT))
    assert not operators.activated, "of what operators ask for it counts as before"


def test_an_operators_choice_stays_until_the_operator_lets_it_go_on(versions: BankVersions) -> None:
    old = stored(versions, of(view(), 61.0), OWN).version
    stored(versions, of(view(), 182.0), OWN)
    assert versions.activate(old.id, by_operator=True).chosen
    newest = stored(versions, of(moved(view()), 604.0), OWN)
    assert (newest.activated, versions.active_id) == (False, old.id), "whatever the camera shows"
    assert "because an operator activated that one" in newest.summary
    assert f"`patchwatch banks activate door {newest.version.id}`" in newest.summary
    assert not versions.activate(newest.version.id, by_operator=True).chosen
    assert [version.chosen for version in versions.all()] == [False, False, False]
    assert stored(versions, of(moved(view()), 905.0), OWN).activated


def test_an_enrolment_of_an_operator_takes_the_place_of_an_earlier_choice(versions: BankVersions) -> None:
    first = stored(versions, of(view(), 61.0)).version
    versions.activate(first.id, by_operator=True)
    assert stored(versions, of(view(), 604.0)).activated
    assert not any(version.chosen for version in versions.all())
