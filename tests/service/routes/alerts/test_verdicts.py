"""An operator's verdict on an alert: given, changed, taken back, found again, counted."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from service_world import World

from patchwatch.bus import keys
from patchwatch.messages.alerts.alert import AlertState
from patchwatch.messages.alerts.verdict import MAX_NOTE_LENGTH, MAX_STATEMENTS

VERDICT = "/api/v1/alerts/gate-1000/verdict"


async def said(api: httpx.AsyncClient, verdict: str, alert_id: str = "gate-1000", note: str = "") -> Any:
    answer = await api.put(f"/api/v1/alerts/{alert_id}/verdict", json={"verdict": verdict, "note": note})
    assert answer.status_code == 200, answer.text
    alert = answer.json()
    assert alert.pop("effect")
    return alert


async def listed(api: httpx.AsyncClient, query: str) -> list[str]:
    return [alert["id"] for alert in (await api.get(f"/api/v1/alerts?{query}")).json()["alerts"]]


async def words(api: httpx.AsyncClient) -> list[str | None]:
    return [statement["verdict"] for statement in (await api.get(VERDICT)).json()["history"]]


async def test_a_verdict_is_shown_with_the_alert(api: httpx.AsyncClient, world: World) -> None:
    world.alert(1000)
    before = (await api.get("/api/v1/alerts/gate-1000")).json()
    assert (before["verdict"], before["reviewed"]) == (None, False)
    answer = await said(api, "normal", note="the cleaner")
    assert (answer["verdict"]["verdict"], answer["verdict"]["note"]) == ("normal", "the cleaner")
    assert (answer["verdict"]["by"], answer["reviewed"]) == ("operator", True)
    assert (await api.get("/api/v1/alerts/gate-1000")).json() == answer
    assert (await api.get("/api/v1/alerts")).json()["alerts"] == [answer]
    assert {name: answer[name] for name in before if name not in ("verdict", "reviewed")} == {
        name: value for name, value in before.items() if name not in ("verdict", "reviewed")
    }


async def test_a_verdict_is_changed_and_taken_back_and_all_of_it_is_kept(api: httpx.AsyncClient, world: World) -> None:
    world.alert(1000)
    await said(api, "unsure")
    await said(api, "anomaly", note="a thief")
    taken = await api.delete(VERDICT)
    assert (taken.status_code, taken.json()["verdict"], taken.json()["reviewed"]) == (200, None, False)
    history = (await api.get(VERDICT)).json()
    assert history["verdict"] is None
    assert [(one["verdict"], one["note"]) for one in history["history"]] == [
        ("unsure", ""), ("anomaly", "a thief"), (None, ""),
    ]  # fmt: skip
    assert len({one["by"] for one in history["history"]}) == 1


async def test_the_history_is_bounded(api: httpx.AsyncClient, world: World) -> None:
    world.alert(1000)
    for number in range(MAX_STATEMENTS + 5):
        await said(api, "normal", note=str(number))
    kept = (await api.get(VERDICT)).json()["history"]
    assert [one["note"] for one in kept] == [str(number) for number in range(5, MAX_STATEMENTS + 5)]


async def test_of_two_operators_the_last_counts_and_both_are_kept(api: httpx.AsyncClient, world: World) -> None:
    world.alert(1000)
    await asyncio.gather(*(said(api, word) for word in ("normal", "anomaly", "unsure")))
    history = (await api.get(VERDICT)).json()
    assert sorted(await words(api), key=str) == ["anomaly", "normal", "unsure"]
    assert history["verdict"]["verdict"] == history["history"][-1]["verdict"]


async def test_a_verdict_that_is_sent_again_changes_nothing(api: httpx.AsyncClient, world: World) -> None:
    world.alert(1000)
    first = await said(api, "normal", note="the cleaner")
    before = world.bus.xlen(keys.ALERTS)
    assert await said(api, "normal", note="the cleaner") == first
    assert await words(api) == ["normal"]
    assert world.bus.xlen(keys.ALERTS) == before


async def test_the_worker_that_goes_on_writing_the_alert_leaves_the_verdict(
    api: httpx.AsyncClient, world: World
) -> None:
    world.alert(1000)
    await said(api, "normal")
    world.alert(1000, state=AlertState.CLOSED, ended_at_ms=5000, peak_score=0.99)
    alert = (await api.get("/api/v1/alerts/gate-1000")).json()
    assert (alert["state"], alert["peak_score"], alert["verdict"]["verdict"]) == ("closed", 0.99, "normal")


async def test_a_verdict_expires_with_its_alert(api: httpx.AsyncClient, world: World) -> None:
    world.alert(1000)
    world.bus.expire(keys.alert("gate-1000"), 500)
    await said(api, "normal")
    lifetime_ms: Any = world.bus.pttl(keys.alert_verdicts("gate-1000"))
    assert 490_000 < lifetime_ms <= 500_000
    world.bus.delete(keys.alert("gate-1000"))
    for answer in (
        await api.get(VERDICT),
        await api.put(VERDICT, json={"verdict": "normal"}),
        await api.delete(VERDICT),
    ):
        assert answer.status_code == 404
        assert "GET /api/v1/alerts" in answer.json()["detail"]


async def test_what_was_not_said_cannot_be_taken_back(api: httpx.AsyncClient, world: World) -> None:
    world.alert(1000)
    for _ in range(2):
        refused = await api.delete(VERDICT)
        assert refused.status_code == 409
        assert VERDICT in refused.json()["detail"]
        await said(api, "normal")
        await api.delete(VERDICT)


@pytest.mark.parametrize(
    "body", [{}, {"verdict": "fine"}, {"verdict": None}, {"verdict": "normal", "note": "x" * (MAX_NOTE_LENGTH + 1)},
             {"verdict": "normal", "by": "the director"}],
)  # fmt: skip
async def test_what_is_no_verdict_is_refused(api: httpx.AsyncClient, world: World, body: Any) -> None:
    world.alert(1000)
    assert (await api.put(VERDICT, json=body)).status_code == 422
    assert await words(api) == []


async def test_a_note_is_one_line_of_plain_text(api: httpx.AsyncClient, world: World) -> None:
    world.alert(1000)
    shown = await said(api, "normal", note="first\nsecond \x1b[31mred")
    assert shown["verdict"]["note"].isprintable()


async def test_alerts_are_found_by_verdict_over_pages(api: httpx.AsyncClient, world: World) -> None:
    for at_ms in range(1000, 8000, 1000):
        world.alert(at_ms)
    for alert_id, word in (("gate-2000", "normal"), ("gate-4000", "anomaly"), ("gate-6000", "unsure")):
        await said(api, word, alert_id)
    await said(api, "normal", "gate-7000")
    await api.delete("/api/v1/alerts/gate-7000/verdict")
    assert await listed(api, "reviewed=true") == ["gate-6000", "gate-4000", "gate-2000"]
    assert await listed(api, "reviewed=false") == ["gate-7000", "gate-5000", "gate-3000", "gate-1000"]
    assert await listed(api, "verdict=normal&verdict=unsure") == ["gate-6000", "gate-2000"]
    assert await listed(api, "verdict=normal&reviewed=false") == []
    path, found = "/api/v1/alerts?reviewed=true&verdict=normal&verdict=unsure&limit=1", list[str]()
    while path:
        page = (await api.get(path)).json()
        found += [alert["id"] for alert in page["alerts"]]
        path = page["next"]
    assert found == ["gate-6000", "gate-2000"]
    assert (await api.get("/api/v1/alerts?verdict=fine")).status_code == 422


async def test_a_change_is_told_on_the_stream_with_the_alert(api: httpx.AsyncClient, world: World) -> None:
    world.alert(1000)
    await said(api, "normal", note="the cleaner")
    rows: Any = world.bus.xrevrange(keys.ALERTS, count=1)
    [(_, fields)] = rows
    assert fields.keys() == {b"v"}, "no reader may take it for another change of the alert"
    told = json.loads(fields[b"v"])
    assert (told["alert"]["id"], told["statement"]["note"]) == ("gate-1000", "the cleaner")


async def test_the_share_of_confirmed_alerts_is_in_status_and_metrics(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    for number in range(1, 7):
        world.alert(number * 1000)

    async def share() -> Any:
        return (await api.get("/api/v1/cameras/gate/status")).json()["alerts_confirmed_share"]

    assert await share() is None
    await said(api, "unsure")
    assert await share() is None, "unsure says nothing about it"
    for alert_id in ("gate-1000", "gate-2000", "gate-3000"):
        await said(api, "anomaly", alert_id)
    await said(api, "normal", "gate-4000")
    shown = await share()
    assert (shown["share"], shown["confirmed"], shown["judged"]) == (0.75, 3, 4)
    assert shown["low"] < 0.75 < shown["high"]
    metrics = (await api.get("/metrics")).text
    assert 'patchwatch_alerts_reviewed{camera="gate",verdict="anomaly"} 3.0' in metrics
    assert 'patchwatch_alerts_reviewed{camera="gate",verdict="unsure"} 0.0' in metrics
    assert 'patchwatch_alerts_confirmed_share{camera="gate"} 0.75' in metrics
    await said(api, "normal", "gate-3000")
    await api.delete("/api/v1/alerts/gate-4000/verdict")
    assert (await share())["judged"] == 3
    assert (await api.delete("/api/v1/cameras/gate")).status_code == 204
    assert not world.bus.exists(*world.keys_of("gate").reviewed.values())


async def test_what_was_said_and_cannot_be_read_is_not_written_over(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    world.alert(100_000)
    world.bus.set(keys.alert_verdicts("gate-100000"), b"rubbish")
    answer = await api.put("/api/v1/alerts/gate-100000/verdict", json={"verdict": "normal"})
    assert (answer.status_code, answer.json()["type"].rsplit(":")[-1]) == (409, "unreadable-record")
    assert world.value(keys.alert_verdicts("gate-100000")) == b"rubbish"
