from __future__ import annotations

import httpx
from service_world import World

from patchwatch.bus import keys
from patchwatch.messages.alerts.alert import AlertState
from patchwatch.messages.alerts.sentence import Sentence, SentenceProgress


async def _ids(api: httpx.AsyncClient, query: str) -> list[str]:
    return [alert["id"] for alert in (await api.get(f"/api/v1/alerts?{query}")).json()["alerts"]]


async def test_alerts_are_listed_newest_first_and_filtered(api: httpx.AsyncClient, world: World) -> None:
    world.alert(1000)
    world.alert(2000, camera_id="yard", state=AlertState.CLOSED, ended_at_ms=5000)
    world.alert(3000)
    assert await _ids(api, "") == ["gate-3000", "yard-2000", "gate-1000"]
    assert await _ids(api, "camera=yard") == ["yard-2000"]
    assert await _ids(api, "camera=yard&camera=gate&limit=2") == ["gate-3000", "yard-2000"]
    assert await _ids(api, "state=open") == ["gate-3000", "gate-1000"]
    assert await _ids(api, "from=1500&to=2500") == ["yard-2000"]


async def test_alerts_are_found_by_the_zone_they_lie_in_over_pages(api: httpx.AsyncClient, world: World) -> None:
    for at_ms, zones in ((1000, ("porch",)), (2000, ()), (3000, ("road", "porch")), (4000, ("road",))):
        world.alert(at_ms, zones=zones)
    assert await _ids(api, "zone=porch") == ["gate-3000", "gate-1000"]
    assert await _ids(api, "zone=porch&zone=road") == ["gate-4000", "gate-3000", "gate-1000"]
    page = (await api.get("/api/v1/alerts?zone=porch&limit=1")).json()
    assert [alert["id"] for alert in (await api.get(page["next"])).json()["alerts"]] == ["gate-1000"]


async def test_a_generated_sentence_is_shown_as_one(api: httpx.AsyncClient, world: World) -> None:
    world.alert(1000)
    world.alert(2000)
    said = Sentence(text="A <b>person</b> lies there.", model="seer", at_ms=3000, peak_at_ms=1000)
    world.bus.set(keys.alert_sentence("gate-1000"), said.encode())
    world.bus.set(keys.SENTENCES_PROGRESS, SentenceProgress(delivered=1, limited=2).encode())
    generated = {"sentence": "A <b>person</b> lies there.", "model": "seer", "at": "1970-01-01T00:00:03.000Z"}
    assert (await api.get("/api/v1/alerts/gate-1000")).json()["generated"] == generated
    listed = (await api.get("/api/v1/alerts")).json()["alerts"]
    assert [alert["generated"] for alert in listed] == [None, generated]
    metrics = (await api.get("/metrics")).text
    assert 'patchwatch_sentences_total{outcome="limited"} 2.0' in metrics


async def test_an_unknown_camera_is_refused_but_a_removed_one_with_alerts_is_not(
    api: httpx.AsyncClient, world: World
) -> None:
    world.camera("gate")
    world.alert(2000, camera_id="yard")
    assert await _ids(api, "camera=gate") == []
    assert await _ids(api, "camera=yard") == ["yard-2000"], "it was removed, its alerts are kept"
    assert await _ids(api, "camera=yard&to=1000") == []
    refused = await api.get("/api/v1/alerts?camera=gaet&camera=yard")
    assert refused.status_code == 422
    (field,) = refused.json()["errors"]
    assert (field["location"], "patchwatch cameras list" in field["message"]) == ("query.camera", True)
    assert "'gaet'" in field["message"]


async def test_pages_of_alerts_have_no_gap_and_no_repeat_even_at_one_moment(
    api: httpx.AsyncClient, world: World
) -> None:
    expected = set()
    for number in range(7):
        world.alert(1000, camera_id=f"cam{number}")
        expected.add(f"cam{number}-1000")
    world.alert(500)
    path, actual = "/api/v1/alerts?limit=3", []
    while path:
        page = (await api.get(path)).json()
        actual += [alert["id"] for alert in page["alerts"]]
        path = page["next"]
    assert len(actual) == 8
    assert {*actual} == expected | {"gate-500"}


async def test_an_alert_and_its_picture(api: httpx.AsyncClient, world: World) -> None:
    world.alert(1000)
    alert = (await api.get("/api/v1/alerts/gate-1000")).json()
    assert alert["started"] == "1970-01-01T00:00:01.000Z"
    assert alert["state"] == "open"
    assert (await api.get(alert["snapshot"])).status_code == 404
    world.bus.set(keys.alert_picture("gate-1000"), b"\xff\xd8jpeg")
    assert (await api.get(alert["snapshot"])).content == b"\xff\xd8jpeg"
    assert (await api.get("/api/v1/alerts/nothing")).status_code == 404


async def test_an_alert_whose_retention_is_over_is_not_listed(api: httpx.AsyncClient, world: World) -> None:
    world.alert(1000)
    world.bus.delete(keys.alert("gate-1000"))
    assert await _ids(api, "") == []


async def test_alerts_are_filtered_by_kind_over_pages(api: httpx.AsyncClient, world: World) -> None:
    world.alert(1000)
    frozen, offline = world.condition("frozen", 2000), world.condition("offline", 3000)
    assert await _ids(api, "kind=anomaly") == ["gate-1000"]
    assert await _ids(api, "kind=frozen&kind=offline") == [offline, frozen]
    page = (await api.get("/api/v1/alerts?kind=frozen&kind=offline&limit=1")).json()
    assert [alert["id"] for alert in (await api.get(page["next"])).json()["alerts"]] == [frozen]
    assert (await api.get("/api/v1/alerts?kind=ghost")).status_code == 422


async def test_an_alert_of_another_kind_has_a_description_instead_of_scores(
    api: httpx.AsyncClient, world: World
) -> None:
    alert_id = world.condition("covered", 1000)
    alert = (await api.get(f"/api/v1/alerts/{alert_id}")).json()
    assert (alert["kind"], alert["detail"]) == ("covered", "look at it")
    assert {alert[name] for name in ("peak_score", "threshold", "stream", "region", "explanation")} == {None}


async def test_alerts_are_filtered_by_day(api: httpx.AsyncClient, world: World) -> None:
    day_ms = 86_400_000
    for at_ms in (day_ms - 1, day_ms, 2 * day_ms - 1, 2 * day_ms):
        world.alert(at_ms)
    for query, expected in (
        ("from=1970-01-02&to=1970-01-02", [2 * day_ms - 1, day_ms]), ("to=1970-01-01", [day_ms - 1]),
        ("from=1970-01-03", [2 * day_ms]), ("from=1970-01-02T00:00:00Z&to=1970-01-02T00:00:00Z", [day_ms]),
    ):  # fmt: skip
        actual = (await api.get(f"/api/v1/alerts?{query}")).json()["alerts"]
        assert [alert["id"] for alert in actual] == [f"gate-{at_ms}" for at_ms in expected], query
    assert (await api.get("/api/v1/alerts?to=9999-12-31")).status_code == 200
