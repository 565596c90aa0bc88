from __future__ import annotations

import httpx
import pytest

from patchwatch import keys
from patchwatch.messages.enrolment_report import EnrolmentReport, Verdict
from patchwatch.messages.status import Enrolment, EnrolmentState


async def test_an_enrolment_is_queued_and_can_be_followed(api: httpx.AsyncClient, world, settings) -> None:
    world.camera()
    source = f"file:{settings.allowed_media_dirs[0]}/monday.mp4"
    asked = await api.post("/api/v1/cameras/gate/enrolments", json={"sources": [source]})
    assert asked.status_code == 202
    (record,) = world.bus.hvals(keys.ENROLMENT_RECORDS)
    job = Enrolment.decode(record)
    assert (job.camera_id, job.profile, job.sources) == ("gate", "motion", (source,))

    again = await api.post("/api/v1/cameras/gate/enrolments", json={"sources": [source]})
    assert again.status_code == 409, "one at a time"

    report = EnrolmentReport(
        seconds=9.8, frames=50, segments=2, verdict=Verdict.TOO_SHORT, next_step="more", streams=()
    )
    done = job.model_copy(update={"state": EnrolmentState.DONE, "progress": 1.0, "bank_id": "b7", "report": report})
    world.bus.hset(keys.ENROLMENT_RECORDS, job.id, done.encode())
    shown = (await api.get(asked.headers["location"])).json()
    assert (shown["state"], shown["bank_id"]) == ("done", "b7")
    assert (shown["report"]["verdict"], shown["report"]["next_step"]) == ("too_short", "more")
    assert asked.json()["report"] is None
    assert (await api.get("/api/v1/cameras/gate/enrolments")).json()["enrolments"] == [shown]


@pytest.mark.parametrize("sources", [[], ["file:/etc/passwd"], ["rtsp://u:hunter2@h/x"], ["push:"]])
async def test_only_files_of_the_media_folders_are_learnt_from(
    api: httpx.AsyncClient, world, sources: list[str]
) -> None:
    world.camera()
    answer = await api.post("/api/v1/cameras/gate/enrolments", json={"sources": sources})
    assert answer.status_code == 422
    assert "hunter2" not in answer.text
    assert not world.bus.exists(keys.ENROLMENT_RECORDS)


async def test_a_camera_can_be_learnt_from_itself(api: httpx.AsyncClient, world) -> None:
    world.camera()
    asked = await api.post("/api/v1/cameras/gate/enrolments", json={"live_seconds": 600})
    assert (asked.status_code, asked.json()["live_seconds"]) == (202, 600)


@pytest.mark.parametrize("body", [{}, {"live_seconds": 4}, {"live_seconds": 60, "sources": ["file:/a.mp4"]}])
async def test_one_kind_of_footage_is_asked_for(api: httpx.AsyncClient, world, body: dict[str, object]) -> None:
    world.camera()
    assert (await api.post("/api/v1/cameras/gate/enrolments", json=body)).status_code == 422


async def test_the_enrolments_of_a_camera_go_with_it(api: httpx.AsyncClient, world) -> None:
    for camera_id in ("gate", "door"):
        world.camera(camera_id)
        await api.post(f"/api/v1/cameras/{camera_id}/enrolments", json={"live_seconds": 600})
    await api.delete("/api/v1/cameras/gate")
    (record,) = world.bus.hvals(keys.ENROLMENT_RECORDS)
    assert Enrolment.decode(record).camera_id == "door"
