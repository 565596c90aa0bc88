"""A bank file gives back what was saved, or says what is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.bank import Bank
from models.bankfile import check_identity, load_bank, save_bank
from models.profile import Profile, StreamSpec
from patchwatch.errors import BankMismatchError, NotFoundError


@pytest.fixture
def path(bank: Bank, tmp_path: Path) -> Path:
    path = tmp_path / "banks" / "front-door" / "small.safetensors"
    save_bank(bank, path)
    return path


def test_a_saved_bank_comes_back_whole(bank: Bank, path: Path) -> None:
    loaded = load_bank(path)
    assert loaded.id == bank.id
    assert all(np.array_equal(a, b) for a, b in zip(loaded.arrays(), bank.arrays(), strict=True))
    assert (loaded.rule, loaded.footage, loaded.identity) == (bank.rule, bank.footage, bank.identity)
    assert list(path.parent.iterdir()) == [path]


def test_an_absent_bank_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="patchwatch enroll --camera"):
        load_bank(tmp_path / "none.safetensors")


@pytest.mark.parametrize("keep", [0, 4, 100, 5000])
def test_a_truncated_bank_is_refused(path: Path, keep: int) -> None:
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BankMismatchError, match="truncated or not a bank"):
        load_bank(path)


def test_a_changed_byte_is_noticed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(BankMismatchError):
        load_bank(path)


def test_another_backbone_is_refused_by_field(bank: Bank, profile: Profile) -> None:
    here = bank.identity | {"networks": {"backbone": "other", "random_weights": False}}
    with pytest.raises(BankMismatchError, match=r"networks\.backbone = 'plain', but here it is 'other'"):
        check_identity(bank, profile, here)


def test_other_stream_options_are_refused_by_field(bank: Bank, profile: Profile) -> None:
    first, second = profile.streams
    changed = replace(profile, streams=(replace(first, weight=0.5), second))
    with pytest.raises(BankMismatchError, match=r"profile\.streams\[0\]\.weight = 0\.7"):
        check_identity(bank, changed, bank.identity)


def test_the_same_identity_passes(bank: Bank, profile: Profile) -> None:
    check_identity(bank, replace(profile, description="other words"), bank.identity)
    assert isinstance(profile.streams[0], StreamSpec)
