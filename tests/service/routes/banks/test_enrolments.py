from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import httpx
import pytest
from service_world import World

from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from patchwatch.messages.banks.enrolment import Enrolment, EnrolmentState
from patchwatch.messages.banks.enrolment_report import EnrolmentReport, Sufficiency
from patchwatch.messages.cameras.analysis_status import AnalysisState
from patchwatch.messages.cameras.source import Source
from service.rules import disk
from service.store.banks.enrolments import MAX_PENDING, MAX_PENDING_PER_CAMERA


def put(world: World, job_id: str, camera_id: str = "gate", at_ms: int = 1, **fields: Any) -> Enrolment:
    known = {"profile": "motion", "live_seconds": 600.0, "created_at_ms": at_ms, "updated_at_ms": at_ms} | fields
    job = Enrolment.model_validate({"id": job_id, "camera_id": camera_id, **known})
    world.bus.hset(keys.ENROLMENT_RECORDS, job_id, job.encode())
    world.bus.hset(keys.ENROLMENTS_LATEST, camera_id, job_id)
    world.bus.sadd(keys.ENROLMENTS_PENDING, job_id)
    return job


def attend(world: World) -> None:
    """An enrolment worker is there."""
    world.bus.zadd(keys.members("enrolment"), {"w": time.time() * 1000})


def record(world: World, job_id: str) -> Enrolment:
    return Enrolment.decode(world.field(keys.ENROLMENT_RECORDS, job_id))


async def test_an_enrolment_is_queued_and_can_be_followed(
    api: httpx.AsyncClient, world: World, settings: Settings
) -> None:
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
        seconds=9.8, frames=50, segments=2, verdict=Sufficiency.TOO_SHORT, next_step="more", streams=()
    )
    done = job.model_copy(update={"state": EnrolmentState.DONE, "progress": 1.0, "bank_id": "b7", "report": report})
    world.bus.hset(keys.ENROLMENT_RECORDS, job.id, done.encode())
    shown = (await api.get(asked.headers["location"])).json()
    assert (shown["state"], shown["bank_id"]) == ("done", "b7")
    assert (shown["report"]["verdict"], shown["report"]["next_step"]) == ("too_short", "more")
    assert asked.json()["report"] is None
    assert (await api.get("/api/v1/cameras/gate/enrolments")).json()["enrolments"] == [shown]


@pytest.mark.parametrize("sources", [[], ["file:/etc/passwd"], ["rtsp://u:hunter2@h/x"], ["push:"]])
async def test_only_files_in_the_media_folders_can_be_learnt_from(
    api: httpx.AsyncClient, world: World, sources: list[str]
) -> None:
    world.camera()
    answer = await api.post("/api/v1/cameras/gate/enrolments", json={"sources": sources})
    assert answer.status_code == 422
    assert "hunter2" not in answer.text
    assert not world.bus.exists(keys.ENROLMENT_RECORDS)


async def test_a_bank_can_be_learnt_from_the_live_camera(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    asked = await api.post("/api/v1/cameras/gate/enrolments", json={"live_seconds": 600})
    assert (asked.status_code, asked.json()["live_seconds"]) == (202, 600)


@pytest.mark.parametrize("body", [{}, {"live_seconds": 4}, {"live_seconds": 60, "sources": ["file:/a.mp4"]}])
async def test_exactly_one_kind_of_footage_is_accepted(
    api: httpx.AsyncClient, world: World, body: dict[str, object]
) -> None:
    world.camera()
    assert (await api.post("/api/v1/cameras/gate/enrolments", json=body)).status_code == 422


async def test_the_enrolments_of_a_camera_are_deleted_with_it(api: httpx.AsyncClient, world: World) -> None:
    for camera_id in ("gate", "door"):
        world.camera(camera_id)
        await api.post(f"/api/v1/cameras/{camera_id}/enrolments", json={"live_seconds": 600})
    await api.delete("/api/v1/cameras/gate")
    (record,) = world.bus.hvals(keys.ENROLMENT_RECORDS)
    assert Enrolment.decode(record).camera_id == "door"


async def test_an_unknown_profile_is_refused_at_once(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    world.camera("yard", profile="nosuch")
    world.bus.set(keys.PROFILES, json.dumps(["motion", "objects"]))
    for camera_id, body in (("gate", {"profile": "other"}), ("yard", {})):
        answer = await api.post(f"/api/v1/cameras/{camera_id}/enrolments", json={"live_seconds": 60} | body)
        assert answer.status_code == 422
        assert "choose one of motion, objects" in answer.json()["detail"]
    assert not world.bus.exists(keys.ENROLMENT_RECORDS)


@pytest.mark.parametrize("state", [EnrolmentState.QUEUED, EnrolmentState.RUNNING])
async def test_a_waiting_or_running_enrolment_is_cancelled(
    api: httpx.AsyncClient, world: World, state: EnrolmentState
) -> None:
    world.camera()
    put(world, "e1", state=state)
    answer = await api.delete("/api/v1/cameras/gate/enrolments/e1")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert record(world, "e1").state is EnrolmentState.CANCELLED
    again = await api.post("/api/v1/cameras/gate/enrolments", json={"live_seconds": 60})
    assert again.status_code == 202, "its place is free again"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": EnrolmentState.DONE, "outcome": "bank b took the place of a"}, "already: there is nothing to"),
        ({"state": EnrolmentState.FAILED}, "nothing to cancel"),
        ({"state": EnrolmentState.CANCELLED}, "nothing to cancel"),
        ({"state": EnrolmentState.RUNNING, "storing": True}, "is storing it"),
    ],
)
async def test_an_enrolment_that_has_ended_cannot_be_cancelled(
    api: httpx.AsyncClient, world: World, fields: dict[str, Any], words: str
) -> None:
    world.camera()
    before = put(world, "e1", **fields)
    answer = await api.delete("/api/v1/cameras/gate/enrolments/e1")
    assert answer.status_code == 409
    assert words in answer.json()["detail"]
    assert record(world, "e1") == before


async def test_an_enrolment_is_cancelled_under_its_own_camera_only(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    world.camera("yard")
    put(world, "e1")
    for camera_id, job_id in (("yard", "e1"), ("gate", "e2"), ("nobody", "e1")):
        assert (await api.delete(f"/api/v1/cameras/{camera_id}/enrolments/{job_id}")).status_code == 404
    assert record(world, "e1").state is EnrolmentState.QUEUED


async def test_the_queue_of_a_camera_and_of_all_is_bounded(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    for number in range(MAX_PENDING_PER_CAMERA):
        put(world, f"g{number}", profile=f"p{number}")
    answer = await api.post("/api/v1/cameras/gate/enrolments", json={"live_seconds": 60})
    assert answer.status_code == 429
    assert "of camera 'gate' wait or run already" in answer.json()["detail"]
    for number in range(MAX_PENDING):
        put(world, f"o{number}", f"other{number}")
    world.camera("yard")
    answer = await api.post("/api/v1/cameras/yard/enrolments", json={"live_seconds": 60})
    assert answer.status_code == 429
    assert "patchwatch enrolments list" in answer.json()["detail"]


async def test_concurrent_requests_queue_one_enrolment(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    url, body = "/api/v1/cameras/gate/enrolments", {"live_seconds": 60}
    answers = await asyncio.gather(*(api.post(url, json=body) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 7
    assert world.bus.hlen(keys.ENROLMENT_RECORDS) == 1


async def test_a_waiting_enrolment_says_what_it_waits_for_and_its_position(
    api: httpx.AsyncClient, world: World
) -> None:
    world.camera()
    put(world, "e1", "yard", 1, state=EnrolmentState.RUNNING)
    put(world, "e2", "door", 2, sources=("file:/a",), live_seconds=None)
    put(world, "e3", "gate", 3, sources=("file:/a",), live_seconds=None)
    alone = (await api.get("/api/v1/enrolments/e3")).json()
    assert (alone["position"], alone["detail"]) == (
        2,
        "no enrolment worker is running: start `patchwatch run enrolment`",
    )
    attend(world)
    shown = (await api.get("/api/v1/enrolments/e3")).json()
    assert (shown["position"], shown["detail"]) == (
        2, "it is number 2 in the queue, behind 1 that are running",
    )  # fmt: skip
    assert [one["position"] for one in (await api.get("/api/v1/enrolments")).json()["enrolments"]] == [2, 1, None]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"state": EnrolmentState.RUNNING, "progress": 0.3, "detail": "recording the live camera: 71 of 120 s"},
            "learning, 30% done: recording the live camera: 71 of 120 s",
        ),
        ({"state": EnrolmentState.FAILED, "detail": "it is dark"}, "the last enrolment failed: it is dark"),
        (
            {"state": EnrolmentState.DONE, "activated": False, "outcome": "kept the present bank b1, because ..."},
            "the last enrolment kept the present bank b1, because ...",
        ),
        ({"state": EnrolmentState.DONE, "activated": True, "outcome": "bank b2 is active"}, ""),
        ({"state": EnrolmentState.DONE, "bank_id": "b1"}, ""),
        ({"state": EnrolmentState.CANCELLED, "detail": "cancelled"}, ""),
        ({}, "waits to learn: a worker takes it in a moment"),
    ],
)
async def test_the_status_of_a_camera_shows_its_latest_enrolment(
    api: httpx.AsyncClient, world: World, fields: dict[str, Any], text: str
) -> None:
    world.camera()
    attend(world)
    put(world, "e1", **fields)
    notice = (await api.get("/api/v1/cameras/gate/status")).json()["enrolment"]
    assert (notice["id"], notice["text"]) == ("e1", text)


async def test_a_running_enrolment_is_shown_rather_than_a_later_one(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    attend(world)
    put(world, "e1", at_ms=1, state=EnrolmentState.RUNNING, detail="reading a.mp4")
    put(world, "e2", at_ms=2, state=EnrolmentState.FAILED, profile="objects")
    assert (await api.get("/api/v1/cameras/gate/status")).json()["enrolment"]["id"] == "e1"
    put(world, "e1", at_ms=1, state=EnrolmentState.DONE, activated=True)
    world.bus.hset(keys.ENROLMENTS_LATEST, "gate", "e2")
    assert (await api.get("/api/v1/cameras/gate/status")).json()["enrolment"]["id"] == "e2"
    assert not world.bus.exists(keys.ENROLMENTS_PENDING), "what is over is no longer looked for"


async def test_a_camera_without_a_bank_that_is_learning_says_so_instead_of_advising_it(
    api: httpx.AsyncClient, world: World
) -> None:
    world.camera(self_arm=False)
    world.capture()
    world.analysis(state=AnalysisState.NO_BANK, detail="")
    advised = (await api.get("/api/v1/cameras/gate/status")).json()["reason"]
    assert "patchwatch enrolments add gate --live 900 --profile motion" in advised
    assert "patchwatch banks enrol --camera gate --profile motion VIDEO" in advised
    attend(world)
    put(world, "e1", state=EnrolmentState.RUNNING, progress=0.3, detail="recording the live camera: 71 of 120 s")
    learning = (await api.get("/api/v1/cameras/gate/status")).json()
    assert learning["health"] == "no_bank"
    assert learning["reason"].startswith("it is not scored yet: learning, 30% done")


async def test_a_removed_camera_leaves_no_notice_behind(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    await api.post("/api/v1/cameras/gate/enrolments", json={"live_seconds": 600})
    await api.delete("/api/v1/cameras/gate")
    world.camera()
    assert (await api.get("/api/v1/cameras/gate/status")).json()["enrolment"] is None
    assert not world.bus.exists(keys.ENROLMENTS_LATEST)


async def test_a_share_that_hangs_delays_only_its_own_request(
    api: httpx.AsyncClient, world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    monkeypatch.setattr(disk, "_TIMEOUT_S", 0.2)
    monkeypatch.setattr(Source, "within", lambda *_: released.wait(30))
    world.camera()
    body = {"sources": [f"file:{settings.allowed_media_dirs[0]}/monday.mp4"]}
    try:
        asked = asyncio.create_task(api.post("/api/v1/cameras/gate/enrolments", json=body))
        began_s = time.monotonic()
        assert (await api.get("/healthz")).status_code == 200
        assert time.monotonic() - began_s < 10
        answer = await asked
        assert (answer.status_code, "network share" in answer.json()["detail"]) == (503, True)
        assert not world.bus.exists(keys.ENROLMENT_RECORDS)
    finally:
        released.set()


@pytest.mark.parametrize("state", [EnrolmentState.QUEUED, EnrolmentState.RUNNING])
async def test_an_operators_enrolment_takes_the_place_of_one_that_the_camera_began_by_itself(
    api: httpx.AsyncClient, world: World, state: EnrolmentState
) -> None:
    world.camera()
    put(world, "own", live_seconds=None, from_memory=True, by_itself=True, state=state)
    asked = await api.post("/api/v1/cameras/gate/enrolments", json={"live_seconds": 60})
    assert asked.status_code == 202
    assert (record(world, "own").state, record(world, "own").detail) == (
        EnrolmentState.CANCELLED, f"enrolment {asked.json()['id']} was asked for",
    )  # fmt: skip


async def test_one_that_is_storing_its_bank_is_let_finish(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    put(world, "own", live_seconds=None, by_itself=True, state=EnrolmentState.RUNNING, storing=True)
    assert (await api.post("/api/v1/cameras/gate/enrolments", json={"live_seconds": 60})).status_code == 202
    assert record(world, "own").state is EnrolmentState.RUNNING


async def test_what_operators_asked_for_comes_first(api: httpx.AsyncClient, world: World) -> None:
    attend(world)
    for number, by_itself in enumerate((True, True, False)):
        world.camera(f"cam{number}")
        put(world, f"job{number}", f"cam{number}", at_ms=number, live_seconds=None, by_itself=by_itself)
    positions = {job["id"]: job["position"] for job in (await api.get("/api/v1/enrolments")).json()["enrolments"]}
    assert positions == {"job2": 1, "job0": 2, "job1": 3}


async def test_a_bank_can_be_asked_for_from_memory(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    answer = (await api.post("/api/v1/cameras/gate/enrolments", json={"from_memory": True})).json()
    assert (answer["from_memory"], answer["by_itself"], answer["sources"]) == (True, False, [])
    both = await api.post("/api/v1/cameras/gate/enrolments", json={"from_memory": True, "live_seconds": 60})
    assert both.status_code == 422
