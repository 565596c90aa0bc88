"""A change is tried on the past over the API: a worker is asked, and nothing is changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from service_world import World

from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from patchwatch.messages.anomaly_kind import AnomalyKind
from patchwatch.messages.what_if import Basis, BudgetChange, WhatIf, WhatIfAnswer, WhatIfEvent, WhatIfOrder
from service.app import create_app
from service.store.banks import what_ifs

ADDRESS = "/api/v1/cameras/gate/what-if"
BUDGET = {"change": "budget", "false_alarms_per_day": 2.0}
GONE = WhatIfEvent(
    started_at_ms=1000, opened_at_ms=1200, peak_at_ms=1400, ended_at_ms=2000, peak_score=0.7, stream="motion",
    anomaly=AnomalyKind.BEHAVIOUR, alert_id="gate-1000",
)  # fmt: skip
ANSWER = WhatIf(
    basis=Basis.SCORES, before=7, after=5, fewer_count=3, more_count=1, fewer=(GONE,),
    more=(GONE.model_copy(update={"alert_id": None}),), level_before=0.6, level_after=0.7, from_ms=0, to_ms=21_600_000,
    seconds=21_600.0, frames=108_000, exact=False, notes=("2 scores cannot be read, and are left out",),
)  # fmt: skip
Answering = Callable[[WhatIfAnswer], list[WhatIfOrder]]


@pytest.fixture
def answering(world: World) -> Iterator[Answering]:
    """A worker that answers one question; what it was asked comes into the list."""
    threads = []

    def start(answer: WhatIfAnswer) -> list[WhatIfOrder]:
        taken: list[WhatIfOrder] = []

        def work() -> None:
            result = world.bus.blpop([keys.WHAT_IF_ORDERS], timeout=10)
            if result is not None:
                taken.append(WhatIfOrder.decode(result[1]))
                world.bus.rpush(keys.what_if_answer(taken[0].token), answer.encode())

        threads.append(threading.Thread(target=work))
        threads[-1].start()
        return taken

    yield start
    for thread in threads:
        thread.join(timeout=15)


async def test_the_answer_says_first_what_it_means(api: httpx.AsyncClient, world: World, answering: Answering) -> None:
    world.camera()
    before = world.field(keys.CAMERAS, "gate")
    taken = answering(WhatIfAnswer(what_if=ANSWER))
    answer = (await api.post(f"{ADDRESS}?from=2026-11-27&to=2026-11-28", json=BUDGET)).json()
    assert answer["sentence"] == "3 alerts fewer and 1 alert more in 6.0 h of scores: 5 instead of 7."
    assert (answer["before"], answer["after"], answer["exact"], answer["basis"]) == (7, 5, False, "scores")
    assert (answer["fewer"][0]["alert"], answer["more"][0]["alert"]) == ("/api/v1/alerts/gate-1000", None)
    assert answer["fewer"][0]["started"] == "1970-01-01T00:00:01.000Z"
    assert taken[0].change == BudgetChange(change="budget", false_alarms_per_day=2.0)
    assert (taken[0].camera_id, taken[0].from_ms) == ("gate", 1_795_737_600_000)
    assert world.field(keys.CAMERAS, "gate") == before, "nothing is changed"


@pytest.mark.parametrize(
    ("code", "status"),
    [("not-found", 404), ("bank-mismatch", 422), ("insufficient-footage", 422), ("unavailable", 503), ("x", 422)],
)
async def test_why_there_is_no_answer_is_told(
    api: httpx.AsyncClient, world: World, answering: Answering, code: str, status: int
) -> None:
    world.camera()
    answering(WhatIfAnswer(code=code, detail="no scores are stored"))
    answer = await api.post(ADDRESS, json=BUDGET)
    assert (answer.status_code, answer.json()["detail"]) == (status, "no scores are stored")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"change": "colour"},
        {"change": "budget"},
        BUDGET | {"false_alarms_per_day": 0},
        BUDGET | {"more": 1},
        {"change": "level", "on": 1.0},
        {"change": "muted", "muted": ["place"] * 4},
        {"change": "bank", "bank_id": "../../etc"},
        {"change": "zones", "zones": [{"name": "road", "kind": "ignore", "points": [[0, 0], [0.3, 0]]}]},
    ],
)
async def test_what_is_no_change_is_refused(api: httpx.AsyncClient, world: World, body: dict[str, Any]) -> None:
    world.camera()
    assert (await api.post(ADDRESS, json=body)).status_code == 422
    assert not world.bus.exists(keys.WHAT_IF_ORDERS)


@pytest.mark.parametrize("span", ["from=2026-01-01&to=2026-11-28", "from=2999-01-01", "from=2026-11-28&to=2026-11-27"])
async def test_a_time_that_is_too_long_or_none_is_refused(api: httpx.AsyncClient, world: World, span: str) -> None:
    world.camera()
    answer = await api.post(f"{ADDRESS}?{span}", json=BUDGET)
    assert (answer.status_code, answer.json()["errors"][0]["location"]) == (422, "query.from")


async def test_an_unknown_camera_asks_nobody(api: httpx.AsyncClient, world: World) -> None:
    assert (await api.post(ADDRESS, json=BUDGET)).status_code == 404
    assert not world.bus.exists(keys.WHAT_IF_ORDERS)


async def test_without_a_worker_the_question_is_withdrawn(
    api: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.camera()
    monkeypatch.setattr(what_ifs, "START_WITHIN_S", 0.1)
    answer = await api.post(ADDRESS, json=BUDGET)
    assert answer.status_code == 503
    assert "patchwatch run enrolment" in answer.json()["detail"]
    assert not world.bus.exists(keys.WHAT_IF_ORDERS)


async def test_only_so_many_questions_wait(
    api: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.camera()
    world.bus.rpush(keys.WHAT_IF_ORDERS, *[b"x"] * 16)
    assert (await api.post(ADDRESS, json=BUDGET)).status_code == 429
    assert world.bus.llen(keys.WHAT_IF_ORDERS) == 16


async def test_a_question_takes_the_token(settings: Settings, world: World) -> None:
    world.camera()
    app = create_app(settings.changed(api_token="s" * 32))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert (await client.post(ADDRESS, json=BUDGET)).status_code == 401
    await app.state.context.store.bus.aclose()
