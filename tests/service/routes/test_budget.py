"""The site's budget: set, shown with what each camera may spend of it, and said in the status of each."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from service_world import World

from patchwatch.bus import keys
from patchwatch.messages.cameras.budget import Allotment, SiteBudget

PATH = "/api/v1/site-budget"


async def put(api: httpx.AsyncClient, per_day: Any) -> httpx.Response:
    return await api.put(PATH, json={"false_alarms_per_day": per_day})


async def test_without_one_each_camera_has_the_installations_or_its_own(api: httpx.AsyncClient, world: World) -> None:
    world.camera("gate")
    world.camera("yard", false_alarms_per_day=1)
    world.camera("off", enabled=False)
    answer = (await api.get(PATH)).json()
    assert answer["false_alarms_per_day"] is None
    assert {one["camera_id"]: (one["per_day"], one["source"]) for one in answer["cameras"]} == {
        "gate": (4.0, "installation"), "yard": (1.0, "camera"),
    }  # fmt: skip


async def test_it_is_stored_for_the_worker_that_shares_it(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    answer = (await put(api, 6)).json()
    assert answer["text"] == (
        "6 false alarms a day, shared by 1 camera; not shared yet: is `patchwatch run enrolment` running?"
    )
    assert SiteBudget.decode(world.value(keys.SITE_BUDGET)).per_day == 6
    assert (await api.get(PATH)).json() == answer
    assert (await put(api, None)).json()["false_alarms_per_day"] is None
    assert SiteBudget.decode(world.value(keys.SITE_BUDGET)).per_day is None


async def test_the_status_says_what_a_camera_may_spend_and_why(api: httpx.AsyncClient, world: World) -> None:
    world.camera(allotment=Allotment(per_day=1.4, share=1.0, level_per_day=0.7))
    budget = (await api.get("/api/v1/cameras/gate/status")).json()["budget"]
    assert budget == {
        "per_day": 1.4, "source": "site", "share": 1.0,
        "text": "budget 1.4 a day: its share of the site's budget is 1 a day, and 0.4 is lent by cameras that were "
        "calm; its level is that of 0.7, because it alerts 2.0 times as often as its level says",
    }  # fmt: skip
    assert "allotment" not in (await api.get("/api/v1/cameras/gate")).json()


async def test_it_says_when_own_budgets_take_too_much(api: httpx.AsyncClient, world: World) -> None:
    world.camera("gate", allotment=Allotment(per_day=0.5, share=0.5, level_per_day=0.5))
    world.camera("yard", false_alarms_per_day=20)
    assert (await put(api, 5)).json()["text"] == (
        "5 false alarms a day, shared by 1 camera after those with budgets of their own, which come to 20; the others "
        "share a tenth all the same, so lower those, or raise the site's"
    )


@pytest.mark.parametrize("per_day", [0, -1, 0.001, 1e9, "many"])
async def test_an_impossible_one_is_refused(api: httpx.AsyncClient, per_day: Any) -> None:
    assert (await put(api, per_day)).status_code == 422


async def test_a_budget_that_cannot_be_read_is_not_taken_for_none(api: httpx.AsyncClient, world: World) -> None:
    world.bus.set(keys.SITE_BUDGET, b"rubbish")
    answer = await api.get("/api/v1/site-budget")
    assert (answer.status_code, answer.json()["type"].rsplit(":")[-1]) == (409, "unreadable-record")
    assert (await api.put("/api/v1/site-budget", json={"false_alarms_per_day": 3.0})).status_code == 200
