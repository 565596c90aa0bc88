from __future__ import annotations

import httpx
import pytest
from service_world import World

from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera

SECRET = "hunter2"
URL = f"rtsp://admin:{SECRET}@camera.example/stream1"


async def test_a_camera_is_created_read_listed_changed_and_deleted(api: httpx.AsyncClient, world: World) -> None:
    made = await api.post("/api/v1/cameras", json={"id": "gate", "name": "Back gate", "source": URL})
    assert made.status_code == 201
    assert made.headers["location"] == "/api/v1/cameras/gate"
    assert made.json()["source"] == "rtsp://***@camera.example/stream1"
    assert (await api.get("/api/v1/cameras/gate")).json() == made.json()
    assert [one["id"] for one in (await api.get("/api/v1/cameras")).json()["cameras"]] == ["gate"]

    changed = await api.patch("/api/v1/cameras/gate", json={"name": "Front"})
    assert changed.json()["name"] == "Front"
    assert changed.json()["revision"] == made.json()["revision"] + 1
    stored = Camera.decode(world.field(keys.CAMERAS, "gate"))
    assert stored.source == URL, "what was not changed stays, secrets included"
    assert int(world.value(keys.CAMERAS_REVISION)) == 2

    world.frame(1)
    world.score(1000)
    assert (await api.delete("/api/v1/cameras/gate")).status_code == 204
    assert (await api.get("/api/v1/cameras/gate")).status_code == 404
    assert world.bus.keys("pw:{*") == []


async def test_a_record_that_cannot_be_read_hides_no_other_camera_and_can_be_removed(
    api: httpx.AsyncClient, world: World
) -> None:
    world.camera("gate")
    world.bus.hset(keys.CAMERAS, "old", b"{}")
    assert [one["id"] for one in (await api.get("/api/v1/cameras")).json()["cameras"]] == ["gate"]
    assert (await api.get("/api/v1/status")).status_code == 200
    assert (await api.delete("/api/v1/cameras/old")).status_code == 204


async def test_a_camera_may_be_sent_back_as_it_was_shown(api: httpx.AsyncClient, world: World) -> None:
    world.camera(source=URL, publish_username="cam", publish_password=SECRET)
    shown = (await api.get("/api/v1/cameras/gate")).json()
    changes = {"source": shown["source"], "publish_password": shown["publish_password"], "enabled": False}
    assert (await api.patch("/api/v1/cameras/gate", json=changes)).status_code == 200
    stored = Camera.decode(world.field(keys.CAMERAS, "gate"))
    assert (stored.source, stored.enabled) == (URL, False)
    assert stored.publish_password is not None
    assert stored.publish_password.get_secret_value() == SECRET


async def test_a_taken_id_is_a_conflict_that_changes_nothing(api: httpx.AsyncClient, world: World) -> None:
    before = world.camera(name="first")
    answer = await api.post("/api/v1/cameras", json={"id": "gate", "name": "second"})
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:patchwatch:problem:conflict"
    assert Camera.decode(world.field(keys.CAMERAS, "gate")) == before


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"id": "Gate 1"}, "body.id"),
        ({"id": ""}, "body.id"),
        ({}, "body.id"),
        ({"id": "gate", "source": f"http://admin:{SECRET}@h/x"}, "body.source"),
        ({"id": "gate", "source": f"rtsp://admin:{SECRET}/x#y@h:port/x"}, "body.source"),
        ({"id": "gate", "source": f"rtsp://h:1:2/x?password={SECRET}"}, "body.source"),
        ({"id": "gate", "source": "rtsp://***@camera.example/x"}, "body.source"),
        ({"id": "gate", "source": "file:/etc/passwd"}, "body.source"),
        ({"id": "gate", "source": URL, "profile": "No Profile"}, "body.profile"),
        ({"id": "gate", "source": URL, "pace": "slow"}, "body.pace"),
        ({"id": "gate", "source": URL, "analysis_fps": 0}, "body.analysis_fps"),
        ({"id": "gate", "source": URL, "password": SECRET}, "body.password"),
        ({"id": "gate", "source": [URL]}, "body.source"),
        ({"id": "gate", "publish_password": [SECRET]}, "body.publish_password"),
    ],
)
async def test_a_wrong_field_is_named_and_no_secret_repeated(
    api: httpx.AsyncClient, world: World, body: dict[str, object], place: str
) -> None:
    answer = await api.post("/api/v1/cameras", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert place in [field["location"] for field in answer.json()["errors"]]
    assert SECRET not in answer.text
    assert not world.bus.exists(keys.CAMERAS)


async def test_a_file_must_lie_in_the_media_folder(api: httpx.AsyncClient, settings: Settings) -> None:
    (folder,) = settings.allowed_media_dirs
    outside = await api.post("/api/v1/cameras", json={"id": "a", "source": f"file:{folder}/../x.mp4"})
    assert outside.status_code == 422
    assert "PATCHWATCH_MEDIA_DIRS" in outside.json()["detail"]
    assert (await api.post("/api/v1/cameras", json={"id": "a", "source": f"file:{folder}/x.mp4"})).status_code == 201


async def test_an_unknown_camera_is_not_found_everywhere(api: httpx.AsyncClient, world: World) -> None:
    for path in ("", "/status", "/scores", "/snapshot.jpg", "/enrolments"):
        answer = await api.get(f"/api/v1/cameras/nobody{path}")
        assert (answer.status_code, answer.json()["status"]) == (404, 404)
        assert "nobody" in answer.json()["detail"]
    assert (await api.patch("/api/v1/cameras/nobody", json={})).status_code == 404
    assert (await api.delete("/api/v1/cameras/nobody")).status_code == 404


async def test_certificate_verification_can_be_chosen_and_is_shown(api: httpx.AsyncClient) -> None:
    body = {"id": "bare", "source": "rtsps://ann:geheim@camera.example/x", "tls_verify": False}
    created = (await api.post("/api/v1/cameras", json=body)).json()
    assert (created["tls_verify"], created["tls_fingerprint"]) == (False, None)
    assert "incarnation" not in created
    pinned = {"tls_fingerprint": ":".join(["AB"] * 32)}
    assert (await api.patch("/api/v1/cameras/bare", json=pinned)).json()["tls_fingerprint"] == pinned["tls_fingerprint"]
    for wrong in ("AB", "x" * 64, "ab" * 33, ":" * 95, "a" * 100_000):
        assert (await api.patch("/api/v1/cameras/bare", json={"tls_fingerprint": wrong})).status_code == 422


async def test_a_camera_that_is_added_again_has_another_incarnation(api: httpx.AsyncClient, world: World) -> None:
    result = []
    for _ in range(2):
        await api.post("/api/v1/cameras", json={"id": "again", "source": "push:"})
        result.append(Camera.decode(world.field(keys.CAMERAS, "again")).incarnation)
        await api.patch("/api/v1/cameras/again", json={"name": "x"})
        assert Camera.decode(world.field(keys.CAMERAS, "again")).incarnation == result[-1]
        await api.delete("/api/v1/cameras/again")
    assert result[0] != result[1]


ROAD = {"name": "road", "kind": "ignore", "points": [[0.0, 0.0], [0.3, 0.0], [0.3, 1.0], [0.0, 1.0]]}
WINDOW = ROAD | {"name": "window", "kind": "privacy"}


async def test_zones_are_set_with_the_camera_changed_and_removed(api: httpx.AsyncClient) -> None:
    made = (await api.post("/api/v1/cameras", json={"id": "gate", "zones": [ROAD]})).json()
    assert made["zones"] == [ROAD]
    changed = (await api.patch("/api/v1/cameras/gate", json={"zones": [ROAD, WINDOW]})).json()
    assert [zone["name"] for zone in changed["zones"]] == ["road", "window"]
    assert changed["revision"] == made["revision"] + 1, "the capture has to black it out"
    without = (await api.patch("/api/v1/cameras/gate", json={"zones": [WINDOW]})).json()
    assert without["revision"] == changed["revision"], "an ignored part does not concern the capture"
    assert (await api.patch("/api/v1/cameras/gate", json={"zones": []})).json()["zones"] == []


async def test_what_is_wrong_with_a_zone_is_said_and_where(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    crossed = ROAD | {"points": [[0, 0], [1, 1], [1, 0], [0, 0.9]]}
    for zones, location, words in (
        ([ROAD, crossed], "body.zones.1.points", "the outline crosses itself"),
        ([ROAD, ROAD], "body.zones", "give each a name of its own"),
        ([ROAD | {"points": [[0, 0], [2, 0], [1, 1]]}], "body.zones.0.points.1.0", "outside of the picture"),
        ([ROAD | {"name": str(number)} for number in range(33)], "body.zones", "at most 32"),
    ):
        answer = await api.patch("/api/v1/cameras/gate", json={"zones": zones})
        assert answer.status_code == 422
        [problem] = answer.json()["errors"]
        assert problem["location"] == location
        assert words in problem["message"]


async def test_frames_from_before_a_privacy_zone_are_gone(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    world.frame(1)
    await api.patch("/api/v1/cameras/gate", json={"zones": [ROAD]})
    assert world.bus.xlen(world.keys_of("gate").frames) == 1
    await api.patch("/api/v1/cameras/gate", json={"zones": [WINDOW]})
    assert world.bus.xlen(world.keys_of("gate").frames) == 0
    assert (await api.get("/api/v1/cameras/gate/snapshot.jpg")).status_code == 404
    world.capture(captured=1)
    frames = (await api.get("/api/v1/cameras/gate/status")).json()["frames"]
    assert (frames["balanced"], frames["in_queue"]) == (True, 0)
    world.frame(2)  # its number goes on
    await api.patch("/api/v1/cameras/gate", json={"zones": []})
    assert world.bus.xlen(world.keys_of("gate").frames) == 1, "with fewer zones nothing has to go"


async def test_zones_that_cannot_be_read_are_set_again(api: httpx.AsyncClient, world: World) -> None:
    record = Camera.model_validate({"id": "gate", "zones": [WINDOW]}).encode().replace(b"0.3", b"7.3")
    world.bus.hset(keys.CAMERAS, "gate", record)
    assert (await api.get("/api/v1/cameras/gate")).json()["zones"] == []
    await api.patch("/api/v1/cameras/gate", json={"name": "Back gate"})
    assert Camera.decode(world.field(keys.CAMERAS, "gate")).zones_fault
    assert (await api.patch("/api/v1/cameras/gate", json={"zones": [WINDOW]})).json()["zones"] == [WINDOW]
    assert not Camera.decode(world.field(keys.CAMERAS, "gate")).zones_fault


async def test_a_camera_that_came_by_itself_is_new_until_it_is_changed_or_acknowledged(
    api: httpx.AsyncClient, world: World
) -> None:
    before = world.camera(adopted=True)
    assert (await api.get("/api/v1/cameras/gate")).json()["adopted"]
    acknowledged = (await api.patch("/api/v1/cameras/gate", json={})).json()
    assert (acknowledged["adopted"], acknowledged["revision"]) == (False, before.revision), "the capture goes on"
    told = (await api.patch("/api/v1/cameras/gate", json={"self_arm": False})).json()
    assert (told["self_arm"], told["revision"]) == (False, before.revision)
