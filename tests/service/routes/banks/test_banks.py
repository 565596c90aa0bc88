"""Banks over the API: what workers report is shown, and orders wait for the answer of a worker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from service_world import World

from patchwatch.bus import keys
from patchwatch.messages.banks.bank_version import (
    BankAction,
    BankAnswer,
    BankOrder,
    BankOrigin,
    BankVersion,
    CameraBanks,
)
from patchwatch.messages.banks.enrolment_report import EnrolmentReport, Sufficiency
from service.store.banks import banks as banks_module

FIRST, SECOND = "aaaaaaaaaaaa", "bbbbbbbbbbbb"
BANKS = "/api/v1/cameras/gate/banks"


def version(bank_id: str, **fields: Any) -> BankVersion:
    report = EnrolmentReport(
        seconds=600.0, frames=3000, segments=5, verdict=Sufficiency.COMPLETE, next_step="nothing", streams=()
    )
    known = {
        "id": bank_id, "camera_id": "gate", "profile": "motion", "format": 2, "seconds": 600.0, "report": report,
        "created_at": "2026-11-28T05:00:00+00:00", "stored_at_ms": 1, "sources": ("gate live",),
        "origin": BankOrigin(by="enrolment e1 of the API", enrolment_id="e1", live_seconds=600.0, software="p 1"),
    }  # fmt: skip
    return BankVersion.model_validate(known | fields)


@pytest.fixture
def banks(world: World) -> CameraBanks:
    world.camera()
    result = CameraBanks(camera_id="gate", versions=(version(SECOND), version(FIRST)), active={"motion": FIRST})
    world.bus.hset(keys.BANKS, "gate", result.encode())
    return result


@pytest.fixture
def worker(world: World, banks: CameraBanks) -> Iterator[list[BankOrder]]:
    """Answers one order: activates what it is asked to, and knows no other bank than the two."""
    taken: list[BankOrder] = []

    def work() -> None:
        result = world.bus.blpop([keys.BANK_ORDERS], timeout=10)
        if result is None:
            return
        order = BankOrder.decode(result[1])
        taken.append(order)
        answer = BankAnswer(banks=banks.model_copy(update={"active": {"motion": order.bank_id}}))
        if order.bank_id not in (FIRST, SECOND):
            answer = BankAnswer(code="not-found", detail="there is no such bank")
        elif order.action is BankAction.REMOVE:
            answer = BankAnswer(code="conflict", detail="activate another one first")
        world.bus.rpush(keys.bank_answer(order.token), answer.encode())

    thread = threading.Thread(target=work)
    thread.start()
    yield taken
    thread.join(timeout=15)


async def test_banks_are_listed_with_what_they_were_learnt_from(api: httpx.AsyncClient, banks: CameraBanks) -> None:
    second, first = (await api.get(BANKS)).json()["banks"]
    assert (first["id"], first["active"], second["id"], second["active"]) == (FIRST, True, SECOND, False)
    shown = {name: first[name] for name in ("by", "enrolment_id", "live_seconds", "seconds", "verdict", "software")}
    assert shown == {
        "by": "enrolment e1 of the API", "enrolment_id": "e1", "live_seconds": 600.0, "seconds": 600.0,
        "verdict": "complete", "software": "p 1",
    }  # fmt: skip
    assert (await api.get(f"{BANKS}/{FIRST}")).json()["report"]["next_step"] == "nothing"
    assert (await api.get(f"{BANKS}/cccccccccccc")).status_code == 404
    assert (await api.get("/api/v1/cameras/nobody/banks")).status_code == 404


async def test_a_bank_is_activated_by_a_worker(api: httpx.AsyncClient, worker: list[BankOrder]) -> None:
    answer = await api.post(f"{BANKS}/{SECOND}/activate")
    assert (answer.status_code, answer.json()["active"]) == (200, True)
    assert [(one.camera_id, one.bank_id, one.action) for one in worker] == [("gate", SECOND, BankAction.ACTIVATE)]


@pytest.mark.parametrize("pinned", [True, False])
async def test_a_bank_is_pinned_and_unpinned(api: httpx.AsyncClient, worker: list[BankOrder], pinned: bool) -> None:
    assert (await api.patch(f"{BANKS}/{SECOND}", json={"pinned": pinned})).status_code == 200
    assert [one.action for one in worker] == [BankAction.PIN if pinned else BankAction.UNPIN]


async def test_an_error_of_the_worker_is_the_answer(api: httpx.AsyncClient, worker: list[BankOrder]) -> None:
    answer = await api.delete(f"{BANKS}/{FIRST}")
    assert (answer.status_code, answer.json()["detail"]) == (409, "activate another one first")


async def test_an_unknown_bank_is_not_found(api: httpx.AsyncClient, worker: list[BankOrder]) -> None:
    assert (await api.post(f"{BANKS}/cccccccccccc/activate")).status_code == 404


@pytest.mark.parametrize("bank_id", ["..", "motion", "AAAAAAAAAAAA", "a" * 13])
async def test_a_malformed_id_reaches_no_worker(
    api: httpx.AsyncClient, world: World, banks: CameraBanks, bank_id: str
) -> None:
    assert (await api.post(f"{BANKS}/{bank_id}/activate")).status_code in (404, 422)
    assert not world.bus.exists(keys.BANK_ORDERS)


async def test_without_a_worker_the_order_is_withdrawn(
    api: httpx.AsyncClient, world: World, banks: CameraBanks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(banks_module, "_START_TIMEOUT_S", 0.1)
    answer = await api.post(f"{BANKS}/{SECOND}/activate")
    assert answer.status_code == 503
    assert "nothing was changed" in answer.json()["detail"]
    assert "patchwatch run enrolment" in answer.json()["detail"]
    assert not world.bus.exists(keys.BANK_ORDERS)
    world.bus.delete(keys.BANKS)
    assert (await api.get(BANKS)).status_code == 503


@pytest.fixture
def slow(world: World, banks: CameraBanks, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A worker that takes the order at once, and answers when it is told to, after the time that one waits for it."""
    monkeypatch.setattr(banks_module, "_START_TIMEOUT_S", 0.3)
    may_end = threading.Event()

    def work() -> None:
        popped = world.bus.blpop([keys.BANK_ORDERS], timeout=10)
        assert popped is not None
        order = BankOrder.decode(popped[1])
        may_end.wait(10)
        world.bus.rpush(keys.bank_answer(order.token), BankAnswer(banks=banks).encode())

    thread = threading.Thread(target=work)
    thread.start()
    yield may_end
    may_end.set()
    thread.join(timeout=15)


async def test_the_answer_to_an_order_that_began_in_time_is_awaited(
    api: httpx.AsyncClient, slow: threading.Event
) -> None:
    threading.Timer(1.0, slow.set).start()
    assert (await api.post(f"{BANKS}/{FIRST}/activate")).status_code == 200


async def test_an_order_that_began_and_was_not_answered_is_not_reported_as_undone(
    api: httpx.AsyncClient, slow: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(banks_module, "_DONE_TIMEOUT_S", 0.3)
    answer = await api.post(f"{BANKS}/{FIRST}/activate")
    assert (answer.status_code, "may or may not be done" in answer.json()["detail"]) == (503, True)


async def test_waiting_orders_are_limited(
    api: httpx.AsyncClient, world: World, banks: CameraBanks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(banks_module, "_MAX_ORDERS", 1)
    world.bus.rpush(keys.BANK_ORDERS, "x")
    assert (await api.post(f"{BANKS}/{SECOND}/activate")).status_code == 429
