"""A bank goes into the shadow, is compared, swapped and taken out over the API."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from service_world import World, now_ms

from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert, AlertState
from patchwatch.messages.banks.bank_version import (
    BankAction,
    BankAnswer,
    BankOrder,
    BankOrigin,
    BankVersion,
    CameraBanks,
)
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.shadow import BankShadow, ShadowStatus
from service.app import create_app

ACTIVE, OTHER = "aaaaaaaaaaaa", "bbbbbbbbbbbb"
SHADOW = f"/api/v1/cameras/gate/banks/{OTHER}/shadow"
HOUR_MS = 3_600_000


def version(bank_id: str, profile: str = "motion") -> BankVersion:
    return BankVersion(
        id=bank_id, camera_id="gate", profile=profile, format=2, created_at="2026-11-28T05:00:00+00:00",
        stored_at_ms=1, origin=BankOrigin(by="a test"),
    )  # fmt: skip


def banks(active: str = ACTIVE, profile: str = "motion") -> CameraBanks:
    return CameraBanks(camera_id="gate", versions=(version(OTHER, profile), version(ACTIVE)), active={"motion": active})


@pytest.fixture
def worker(world: World) -> Iterator[list[BankOrder]]:
    """Does what it is ordered, until the test is over."""
    world.camera()
    world.bus.hset(keys.BANKS, "gate", banks().encode())
    taken: list[BankOrder] = []
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            result = world.bus.blpop([keys.BANK_ORDERS], timeout=0.2)
            if result is None:
                continue
            order = BankOrder.decode(result[1])
            taken.append(order)
            active = order.bank_id if order.action is BankAction.ACTIVATE else ACTIVE
            refused = BankAnswer(code="bank-mismatch", detail="it was learnt with other networks")
            known = order.bank_id in (ACTIVE, OTHER)
            answer = BankAnswer(banks=banks(active)) if known else refused
            world.bus.hset(keys.BANKS, "gate", banks(active).encode())
            world.bus.rpush(keys.bank_answer(order.token), answer.encode())

    thread = threading.Thread(target=work)
    thread.start()
    yield taken
    over.set()
    thread.join(timeout=15)


def stored(world: World) -> BankShadow | None:
    return Camera.decode(world.field(keys.CAMERAS, "gate")).shadow


def alert(started_ms: int, ended_ms: int | None, bank_id: str) -> Alert:
    return Alert(
        id=f"gate-{started_ms}", camera_id="gate", state=AlertState.OPEN if ended_ms is None else AlertState.CLOSED,
        started_at_ms=started_ms, opened_at_ms=started_ms, peak_at_ms=started_ms, peak_score=0.8, threshold=0.6,
        ended_at_ms=ended_ms, profile="motion", bank_id=bank_id,
    )  # fmt: skip


async def test_it_is_started_and_ended(api: httpx.AsyncClient, world: World, worker: list[BankOrder]) -> None:
    began = (await api.post(SHADOW, json={"days": 2})).json()
    assert [(order.bank_id, order.action) for order in worker] == [(OTHER, BankAction.SHADOW)]
    asked = stored(world)
    assert asked is not None
    assert (asked.bank_id, asked.until_ms - asked.since_ms) == (OTHER, 2 * 24 * HOUR_MS)
    assert abs(asked.since_ms - now_ms()) < 60_000
    assert (began["scoring"], began["reason"]) == (False, "no frame has been scored with it yet")
    assert began["sentence"] == "No alert of either bank so far."
    assert (await api.delete(SHADOW)).status_code == 204
    assert stored(world) is None
    assert (await api.get(SHADOW)).status_code == 404
    default = (await api.post(SHADOW)).json()
    assert default["active_bank_id"] == ACTIVE
    assert (asked := stored(world)) is not None
    assert asked.until_ms - asked.since_ms == 7 * 24 * HOUR_MS


async def test_both_lists_stand_side_by_side(api: httpx.AsyncClient, world: World, worker: list[BankOrder]) -> None:
    since_ms = now_ms() - HOUR_MS
    shadow = BankShadow(bank_id=OTHER, since_ms=since_ms, until_ms=since_ms + 2 * HOUR_MS)
    world.camera(shadow=shadow)
    of = world.keys_of("gate")
    said = ShadowStatus(bank_id=OTHER, since_ms=since_ms, frames=18_000, ms_per_frame=0.25)
    world.bus.hset(of.state, "shadow", said.encode())
    for started_ms in (since_ms - 1, since_ms + 1000, since_ms + 60_000):
        made = alert(started_ms, started_ms + 5000, ACTIVE)
        world.bus.set(keys.alert(made.id), made.encode())
        world.bus.zadd(keys.ALERTS_BY_TIME, {made.id: started_ms})
    told = [
        alert(since_ms + 3000, None, OTHER),
        alert(since_ms + 3000, since_ms + 4000, OTHER),
        alert(since_ms + 5000, since_ms + 6000, "cccccccccccc"),
        alert(since_ms + 90_000, since_ms + 91_000, OTHER),
    ]
    for change in told:
        world.bus.xadd(of.shadow, {b"a": change.encode()})
    world.bus.xadd(of.shadow, {b"a": b"damaged"})
    answer = (await api.get(SHADOW)).json()
    assert answer["sentence"] == "1 alert fewer and 1 alert more with the bank in the shadow: 2 instead of 2."
    assert (answer["alerts"], answer["shadow_alerts"], answer["scoring"]) == (2, 2, True)
    assert (answer["frames"], answer["ms_per_frame"]) == (18_000, 0.25)
    assert [one["id"] for one in answer["only_active"]] == [f"gate-{since_ms + 60_000}"]
    assert [one["id"] for one in answer["only_shadow"]] == [f"gate-{since_ms + 90_000}"]
    assert [one["state"] for one in answer["shadow"]] == ["closed", "closed"]
    listed = (await api.get("/api/v1/alerts?camera=gate")).json()["alerts"]
    assert len(listed) == 3, "nobody is told of the others"


async def test_why_it_is_not_scored_is_told(api: httpx.AsyncClient, world: World, worker: list[BankOrder]) -> None:
    world.camera(shadow=BankShadow(bank_id=OTHER, since_ms=5, until_ms=now_ms() + HOUR_MS))
    refused = ShadowStatus(bank_id=OTHER, since_ms=5, refused="it has been removed")
    world.bus.hset(world.keys_of("gate").state, "shadow", refused.encode())
    answer = (await api.get(SHADOW)).json()
    assert (answer["scoring"], answer["reason"]) == (False, "it has been removed")
    world.camera(shadow=BankShadow(bank_id=OTHER, since_ms=5, until_ms=6))
    assert "its time is over" in (await api.get(SHADOW)).json()["reason"]


async def test_a_swap_can_be_taken_back(api: httpx.AsyncClient, world: World, worker: list[BankOrder]) -> None:
    await api.post(SHADOW)
    swapped = (await api.post(f"{SHADOW}/swap")).json()
    assert (swapped["bank_id"], swapped["active_bank_id"]) == (ACTIVE, OTHER)
    assert [order.action for order in worker] == [BankAction.SHADOW, BankAction.ACTIVATE]
    assert (shadow := stored(world)) is not None
    assert shadow.bank_id == ACTIVE
    back = (await api.post(f"/api/v1/cameras/gate/banks/{ACTIVE}/shadow/swap")).json()
    assert (back["bank_id"], back["active_bank_id"]) == (OTHER, ACTIVE)


async def test_what_does_not_fit_is_refused(api: httpx.AsyncClient, world: World, worker: list[BankOrder]) -> None:
    unfit = await api.post("/api/v1/cameras/gate/banks/cccccccccccc/shadow")
    assert (unfit.status_code, unfit.json()["detail"]) == (422, "it was learnt with other networks")
    world.camera(profile="scene")
    other_profile = await api.post(SHADOW)
    assert (other_profile.status_code, "uses scene" in other_profile.json()["detail"]) == (409, True)
    assert (await api.post(SHADOW, json={"days": 32})).status_code == 422
    assert (await api.post(f"{SHADOW}/swap")).status_code == 404
    assert stored(world) is None


async def test_all_of_it_takes_the_token(settings: Settings, world: World) -> None:
    world.camera()
    app = create_app(settings.changed(api_token="s" * 32))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        requests: list[Any] = [client.post(SHADOW), client.get(SHADOW), client.delete(SHADOW)]
        assert [(await request).status_code for request in requests] == [401] * 3
        assert (await client.post(f"{SHADOW}/swap")).status_code == 401
    await app.state.context.store.bus.aclose()
