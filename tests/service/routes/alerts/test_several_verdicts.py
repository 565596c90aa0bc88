"""One verdict on several alerts: each is judged as on its own, and none keeps the others from it."""

from __future__ import annotations

import httpx
from service_world import World

VERDICTS = "/api/v1/verdicts"


async def test_several_alerts_are_judged_together_and_one_that_is_gone_is_named(
    api: httpx.AsyncClient, world: World
) -> None:
    world.camera()
    for at_ms in (1000, 2000, 3000):
        world.alert(at_ms)
    ids = ["gate-1000", "gate-2000", "gone-1", "gate-1000"]
    answer = await api.post(VERDICTS, json={"verdict": "normal", "alert_ids": ids, "note": "the cleaner"})
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert [alert["id"] for alert in said["judged"]] == ["gate-1000", "gate-2000"]
    assert all(alert["verdict"]["note"] == "the cleaner" and alert["effect"] for alert in said["judged"])
    (refused,) = said["refused"]
    assert (refused["alert_id"], "there is no alert 'gone-1'" in refused["reason"]) == ("gone-1", True)
    corrections = (await api.get("/api/v1/cameras/gate/corrections")).json()["corrections"]
    assert sorted(one["alert_ids"] for one in corrections) == [["gate-1000"], ["gate-2000"]], (
        "each is undone on its own"
    )
    left = (await api.get("/api/v1/alerts?reviewed=false")).json()["alerts"]
    assert [alert["id"] for alert in left] == ["gate-3000"]


async def test_how_many_are_judged_at_once_is_bounded(api: httpx.AsyncClient) -> None:
    answer = await api.post(VERDICTS, json={"verdict": "unsure", "alert_ids": [f"a-{n}" for n in range(101)]})
    assert answer.status_code == 422
    assert (await api.post(VERDICTS, json={"verdict": "unsure", "alert_ids": []})).status_code == 422
