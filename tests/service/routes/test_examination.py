"""What `patchwatch doctor` finds, over the API."""

from __future__ import annotations

import httpx
from service_world import World


async def test_the_checks_of_the_doctor_are_answered_and_run_once_for_several(
    api: httpx.AsyncClient, world: World
) -> None:
    world.camera("gate", source="rtsp://u:s3cret@camera.example/1")
    answer = await api.get("/api/v1/examination")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    texts = {(one["level"], one["check"]): one["text"] for one in found["findings"]}
    assert texts["ok", "redis"] == "answers", "it examines the installation of this service"
    assert "no worker has taken it" in texts["warn", "camera gate"] or "camera gate" in str(texts)
    assert found["ok"] == all(one["level"] != "fail" for one in found["findings"])
    assert "s3cret" not in answer.text
    assert (await api.get("/api/v1/examination")).json() == found
