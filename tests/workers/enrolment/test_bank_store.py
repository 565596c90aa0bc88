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
from models.exemplars.provenance import thumbnail
from patchwatch.messages.bank_version import BankOrigin
from workers.enrolment.bank_store import StoredBank, store_bank
from workers.enrolment.bank_versions import BankVersions

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


def stored(versions: BankVersions, bank: Bank) -> StoredBank:
    with versions.staging() as staged:
        save_bank(bank, staged)
        return store_bank(bank, staged, versions, BankOrigin(by="a test"), activate=False)


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
