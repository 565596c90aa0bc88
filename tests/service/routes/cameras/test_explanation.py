"""Explanations of alerts and of the last score of a camera, and why there may be none."""

from __future__ import annotations

from base64 import b64decode

import httpx
from service_world import World

from patchwatch.bus import keys


async def test_an_alert_is_explained(api: httpx.AsyncClient, world: World) -> None:
    world.alert(1000)
    alert = (await api.get("/api/v1/alerts/gate-1000")).json()
    missing = await api.get(alert["explanation"])
    assert (missing.status_code, "not kept" in missing.json()["detail"]) == (404, True)
    world.bus.set(keys.alert_explanation("gate-1000"), world.explanation(at_ms=1900).encode())
    result = (await api.get(alert["explanation"])).json()
    assert (result["t"], result["width"], result["height"]) == ("1970-01-01T00:00:01.900Z", 640, 360)
    motion, local = result["streams"]
    assert (motion["name"], motion["contribution"], local["contribution"]) == ("motion", 0.75, 0.25)
    assert motion["region"] == {"x1": 100, "y1": 50, "x2": 200, "y2": 150}
    nearest = motion["nearest"][0]
    assert (nearest["source"], nearest["time_s"], nearest["captured"]) == ("monday.mp4", 12.4, None)
    assert nearest["region"] == {"x1": 0.1, "y1": 0.2, "x2": 0.3, "y2": 0.4}
    assert b64decode(nearest["thumbnail"]) == world.picture
    assert motion["nearest"][1]["captured"] == "2027-01-15T08:00:00.000Z"
    assert motion["nearest"][1]["thumbnail"] is None
    assert (local["rarity"], local["region"], local["nearest"]) == (None, None, [])


async def test_an_unknown_alert_is_not_explained(api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v1/alerts/nothing/explanation")
    assert (answer.status_code, "there is no alert" in answer.json()["detail"]) == (404, True)


async def test_the_last_scored_frame_of_a_camera_is_explained(api: httpx.AsyncClient, world: World) -> None:
    path = "/api/v1/cameras/gate/explanation"
    assert (await api.get(path)).status_code == 404
    world.camera()
    assert "status for the reason" in (await api.get(path)).json()["detail"]
    world.bus.hset(world.keys_of("gate").state, "explanation", world.explanation(seq=42).encode())
    assert (await api.get(path)).json()["seq"] == 42
