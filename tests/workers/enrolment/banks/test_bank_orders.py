"""What is on disk is told to the service, and what is asked over the API is done."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from plain_bank import plain_bank

from models.banks.bank import Bank
from models.banks.bank_file import save_bank
from models.frames.view import View
from patchwatch.bus import keys
from patchwatch.messages.banks.bank_version import (
    BankAction,
    BankAnswer,
    BankOrder,
    BankOrigin,
    BankVersion,
    CameraBanks,
)
from workers.enrolment.banks.bank_orders import BankOrderHandler
from workers.enrolment.banks.bank_versions import BankVersions


@pytest.fixture
def keeping(site: Any) -> BankOrderHandler:
    site.camera()
    return BankOrderHandler(site.settings, site.client)


def bank_of(second: int) -> Bank:
    return replace(plain_bank(), created_at=f"2026-11-28T05:00:{second:02d}+00:00")


def added(site: Any, bank: Bank, profile: str = "motion") -> str:
    versions = BankVersions(site.settings.banks_dir, "cam", profile)
    with versions.staging() as staged:
        save_bank(bank, staged)
        versions.add(staged, bank, BankOrigin(by="a test"))
    return bank.id


def published(site: Any) -> CameraBanks:
    return CameraBanks.decode(site.client.hget(keys.BANKS, "cam"))


def ordered(
    site: Any, keeping: BankOrderHandler, bank_id: str, action: BankAction, age_ms: int = 0
) -> BankAnswer | None:
    """None for an order that nobody answered."""
    at_ms = time.time_ns() // 1_000_000 - age_ms
    order = BankOrder(token="t", camera_id="cam", bank_id=bank_id, action=action, asked_at_ms=at_ms)
    site.client.rpush(keys.BANK_ORDERS, order.encode())
    keeping.poll()
    answer = site.client.lpop(keys.bank_answer("t"))
    return BankAnswer.decode(answer) if answer else None


def versions_after(answer: BankAnswer | None) -> tuple[BankVersion, ...]:
    """The versions that a camera has after an order that was carried out."""
    assert answer is not None
    assert answer.banks is not None
    return answer.banks.versions


def test_banks_of_every_profile_are_reported_and_what_changes_on_disk(site: Any, keeping: BankOrderHandler) -> None:
    keeping.poll()
    assert published(site).versions == ()
    first, second = added(site, bank_of(1)), added(site, bank_of(2), "objects")
    keeping.poll()
    assert {one.id for one in published(site).versions} == {first, second}
    folder: Path = site.settings.banks_dir / "cam"
    shutil.copyfile(folder / "motion" / f"{first}.safetensors", folder / "motion.safetensors")
    keeping.poll()
    assert published(site).active == {"motion": first}
    site.client.delete(keys.BANKS)
    keeping.poll()
    assert published(site).active == {"motion": first}, "also to a Redis that lost it"
    site.client.hdel(keys.CAMERAS, "cam")
    keeping.poll()
    assert not site.client.exists(keys.BANKS)


def test_orders_are_carried_out_and_answered(site: Any, keeping: BankOrderHandler) -> None:
    first, second = added(site, bank_of(1)), added(site, bank_of(2), "objects")
    for bank_id, profile in ((first, "motion"), (second, "objects")):
        answer = ordered(site, keeping, bank_id, BankAction.ACTIVATE)
        assert answer is not None
        assert answer.banks is not None
        assert (answer.code, answer.banks.active[profile]) == ("", bank_id)
    third = added(site, bank_of(3))
    pinned = versions_after(ordered(site, keeping, third, BankAction.PIN))
    assert [version.id for version in pinned if version.pinned] == [third]
    for kept in (third, first):  # one is pinned, the other active
        refused = ordered(site, keeping, kept, BankAction.REMOVE)
        assert refused is not None
        assert refused.code == "conflict"
    ordered(site, keeping, third, BankAction.UNPIN)
    left = versions_after(ordered(site, keeping, third, BankAction.REMOVE))
    assert {version.id for version in left} == {first, second}
    unknown = ordered(site, keeping, "000000000000", BankAction.ACTIVATE)
    assert unknown is not None
    assert unknown.code == "not-found"


@pytest.mark.parametrize("age_ms", [5500, 60_000])
def test_an_order_that_waited_too_long_is_not_carried_out(site: Any, keeping: BankOrderHandler, age_ms: int) -> None:
    """Whoever gave it is told that nobody did it."""
    bank_id = added(site, bank_of(1))
    answer = ordered(site, keeping, bank_id, BankAction.ACTIVATE, age_ms=age_ms)
    assert answer is not None
    assert (answer.code, "not done" in answer.detail) == ("unavailable", True)
    assert published(site).active == {}


def test_orders_that_are_none_are_left_out(site: Any, keeping: BankOrderHandler) -> None:
    for nonsense in (b"", b"{", b'{"camera_id": "../../etc", "bank_id": "../x", "token": "t"}'):
        site.client.rpush(keys.BANK_ORDERS, nonsense)
    bank_id = added(site, bank_of(1))
    answer = ordered(site, keeping, bank_id, BankAction.ACTIVATE)
    assert answer is not None
    assert answer.code == ""


def test_looking_again_and_again_enters_nothing_in_the_table_of_interned_strings(
    site: Any, keeping: BankOrderHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks at the banks of all cameras twice a second, and the table grows with all that passes through it."""
    added(site, bank_of(1))
    keeping.poll()
    interned: list[str] = []
    monkeypatch.setattr(sys, "intern", partial(_noted, interned))
    for _ in range(10):
        keeping.poll()
    assert interned == []
    assert site.settings.bank_path("cam", "motion") is site.settings.bank_path("cam", "motion")


def _noted(interned: list[str], text: str) -> str:
    interned.append(text)
    return text


def test_whether_a_bank_can_be_scored_beside_the_active_one_is_answered(site: Any, keeping: BankOrderHandler) -> None:
    first, second = added(site, bank_of(1)), added(site, bank_of(2))
    ignoring = replace(bank_of(3), view=View(ignored=(((0.0, 0.0), (0.5, 0.0), (0.5, 0.5)),)))
    other = replace(bank_of(4), identity={"networks": {}, "preprocessing": {}})
    unfit = [added(site, ignoring), added(site, other)]
    nothing = ordered(site, keeping, first, BankAction.SHADOW)
    assert nothing is not None
    assert nothing.code == "conflict", "no bank scores yet"
    ordered(site, keeping, first, BankAction.ACTIVATE)
    before = versions_after(ordered(site, keeping, second, BankAction.SHADOW))
    answers = [ordered(site, keeping, bank_id, BankAction.SHADOW) for bank_id in (first, *unfit, "000000000000")]
    codes = [answer.code for answer in answers if answer]
    assert codes == ["conflict", "bank-mismatch", "bank-mismatch", "not-found"]
    assert versions_after(ordered(site, keeping, second, BankAction.SHADOW)) == before, "nothing is changed"


def test_banks_that_did_not_change_are_neither_read_nor_encoded_again(
    site: Any, keeping: BankOrderHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counted(banks: CameraBanks) -> bytes:
        encoded.append(banks.camera_id)
        return encode(banks)

    encoded: list[str] = []
    encode = CameraBanks.encode
    monkeypatch.setattr(CameraBanks, "encode", counted)
    site.camera("other")
    added(site, bank_of(1))
    for _ in range(3):
        keeping.poll()
    assert sorted(encoded) == ["cam", "other"]
    second = added(site, bank_of(2))
    keeping.poll()
    assert second in {one.id for one in published(site).versions}
    assert sorted(encoded) == ["cam", "cam", "other"]


def test_of_many_cameras_each_is_looked_at_in_its_turn_and_an_ordered_one_at_once(
    site: Any, keeping: BankOrderHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked_at() -> list[str]:
        looked.clear()
        keeping.poll()
        return list(looked)

    def counted(camera_id: str) -> Any:
        looked.append(camera_id)
        return banks_of(camera_id)

    looked: list[str] = []
    banks_of = keeping._banks_of
    monkeypatch.setattr("workers.enrolment.banks.bank_orders._LOOKED_AT_ONCE", 2)
    monkeypatch.setattr(keeping, "_banks_of", counted)
    for name in ("a", "b", "d"):
        site.camera(name)
    assert looked_at() == ["a", "b", "cam", "d"]
    assert [looked_at() for _ in range(3)] == [["cam", "d"], ["a", "b"], ["cam", "d"]]
    first = added(site, bank_of(1))
    looked.clear()
    assert ordered(site, keeping, first, BankAction.PIN) is not None
    assert looked == ["cam", "a", "b", "cam"]
    assert published(site).versions[0].pinned
