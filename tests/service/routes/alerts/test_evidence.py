"""The evidence of an alert over REST and by signed links: what there is, parts of a clip, archives, who may."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from service_world import World
from stored_evidence import CLIP_BYTES, note_evidence, store_evidence

from patchwatch.bus import keys
from patchwatch.cli.evidence_archive import verify
from patchwatch.contract.errors import StorageError
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.evidence import EvidenceState
from patchwatch.storage.folder import FolderStorage
from service.app import create_app

ALERT = "/api/v1/alerts/gate-1000"
TOKEN = "the-token-of-the-api"


@pytest.fixture
def settings(bus_url: str, tmp_path: Path) -> Settings:
    return Settings(redis_url=bus_url, data_dir=tmp_path / "data", port=0)


@pytest.fixture
def stored(world: World, settings: Settings) -> None:
    world.alert(1000)
    store_evidence(world, settings.evidence_dir, "gate-1000")


async def answered(api: httpx.AsyncClient, path: str) -> Any:
    answer = await api.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.usefixtures("stored")
async def test_evidence_says_what_there_is(api: httpx.AsyncClient, world: World) -> None:
    view = await answered(api, f"{ALERT}/evidence")
    assert (view["state"], view["reason"], view["keep"]) == ("ready", "a note", False)
    assert {part["name"]: part["sha256"] for part in view["parts"]} == {
        "clip.mp4": hashlib.sha256(CLIP_BYTES).hexdigest(),
        "peak.jpg": hashlib.sha256(world.picture).hexdigest(),
    }
    assert (await answered(api, ALERT))["evidence"] == f"{ALERT}/evidence"


async def test_evidence_that_is_not_ready_says_why(api: httpx.AsyncClient, world: World) -> None:
    world.alert(1000)
    assert "enrolment worker" in (await answered(api, f"{ALERT}/evidence"))["reason"]
    note_evidence(world, "gate-1000", EvidenceState.RECORDING)
    assert (await answered(api, f"{ALERT}/evidence"))["state"] == "recording"
    note_evidence(world, "gate-1000", EvidenceState.MISSING, "the spool was full")
    view = await answered(api, f"{ALERT}/evidence")
    assert (view["state"], view["reason"], view["links"]["clip"]) == ("missing", "the spool was full", None)
    note_evidence(world, "gate-1000", EvidenceState.READY)
    assert "not in the store" in (await answered(api, f"{ALERT}/evidence"))["reason"]
    assert (await api.get(f"{ALERT}/clip.mp4")).status_code == 404
    assert (await api.get("/api/v1/alerts/nobody-1/evidence")).status_code == 404
    assert (await api.get("/api/v1/alerts/..%2f..%2fx/evidence")).status_code == 404


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        (None, 200, slice(None)),
        ("bytes=0-99", 206, slice(0, 100)),
        ("bytes=1000-", 206, slice(1000, None)),
        ("bytes=-10", 206, slice(-10, None)),
        ("bytes=0-999999999", 206, slice(None)),
        ("bytes=300000-900000", 206, slice(300_000, 900_001)),
        ("bytes=0-1,5-6", 200, slice(None)),
        ("lines=1-2", 200, slice(None)),
        ("bytes=9999999-", 416, None),
        ("bytes=5-2", 416, None),
    ],
)
async def test_a_clip_is_sent_in_parts(
    api: httpx.AsyncClient, asked: str | None, status: int, part: slice | None
) -> None:
    answer = await api.get(f"{ALERT}/clip.mp4", headers={"Range": asked} if asked else {})
    assert answer.status_code == status
    if part is None:
        assert answer.headers["content-range"] == f"bytes */{len(CLIP_BYTES)}"
        return
    assert answer.content == CLIP_BYTES[part]
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-type"] == "video/mp4"
    assert int(answer.headers["content-length"]) == len(answer.content)
    if status == 206:
        first, last, _ = part.indices(len(CLIP_BYTES))
        assert answer.headers["content-range"] == f"bytes {first}-{last - 1}/{len(CLIP_BYTES)}"


@pytest.mark.usefixtures("stored")
async def test_the_archive_verifies_and_a_flipped_byte_is_found(api: httpx.AsyncClient, tmp_path: Path) -> None:
    answer = await api.get(f"{ALERT}/evidence.zip")
    assert answer.headers["content-type"] == "application/zip"
    path = tmp_path / "gate.zip"
    path.write_bytes(answer.content)
    result = verify(path)
    assert result.is_whole
    assert result.manifest_sha256 == (await answered(api, f"{ALERT}/evidence"))["manifest_sha256"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert sorted(archive.namelist()) == ["clip.mp4", "manifest.json", "peak.jpg"]
    flipped = bytearray(answer.content)
    flipped[answer.content.index(CLIP_BYTES) + 500_000] ^= 1
    path.write_bytes(flipped)
    assert (verify(path).changed, verify(path).is_whole) == (["clip.mp4"], False)


@pytest.mark.usefixtures("stored")
async def test_evidence_is_kept_and_let_go(api: httpx.AsyncClient, settings: Settings) -> None:
    mark = settings.evidence_dir / "alerts" / "gate-1000" / "keep"
    answer = await api.put(f"{ALERT}/evidence/keep")
    assert (answer.status_code, answer.json()["keep"], mark.exists()) == (200, True, True)
    answer = await api.delete(f"{ALERT}/evidence/keep")
    assert (answer.status_code, answer.json()["keep"], mark.exists()) == (200, False, False)
    assert (await api.put("/api/v1/alerts/nobody-1/evidence/keep")).status_code == 404


async def test_what_is_not_there_cannot_be_kept(api: httpx.AsyncClient, world: World) -> None:
    world.alert(1000)
    assert (await api.put(f"{ALERT}/evidence/keep")).status_code == 409


@pytest.mark.usefixtures("stored")
async def test_kept_evidence_outlives_the_record_of_its_alert(api: httpx.AsyncClient, world: World) -> None:
    world.bus.delete(keys.alert("gate-1000"), keys.alert_evidence("gate-1000"))
    assert (await answered(api, f"{ALERT}/evidence"))["state"] == "ready"
    assert (await api.get(f"{ALERT}/clip.mp4")).content == CLIP_BYTES


@pytest.mark.usefixtures("stored")
async def test_a_store_that_is_away_answers_503(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> bytes:
        raise StorageError("the store does not answer")

    monkeypatch.setattr(FolderStorage, "read", away)
    answer = await api.get(f"{ALERT}/clip.mp4")
    assert (answer.status_code, answer.json()["detail"]) == (503, "the store does not answer")


async def test_signed_links_do_without_the_token_and_nothing_else_does(
    settings: Settings, world: World, stored: None
) -> None:
    app = create_app(settings.changed(api_token=TOKEN))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://cameras.example") as stranger:
        assert (await stranger.get(f"{ALERT}/clip.mp4")).status_code == 401
        assert (await stranger.put(f"{ALERT}/evidence/keep")).status_code == 401
        view = (await stranger.get(f"{ALERT}/evidence", headers={"Authorization": f"Bearer {TOKEN}"})).json()
        links = view["links"]
        assert (await stranger.get(links["clip"], headers={"Range": "bytes=0-9"})).content == CLIP_BYTES[:10]
        assert (await stranger.get(links["picture"])).content == world.picture
        assert (await stranger.get(links["archive"])).status_code == 200
        for wrong in (
            links["clip"].replace("gate-1000", "gate-1001"),
            links["clip"].replace("clip.mp4", "evidence.zip"),
            links["clip"].replace("expires=1", "expires=2"),
            links["clip"].split("?")[0],
        ):
            assert (await stranger.get(wrong)).status_code == 403
    await app.state.context.store.bus.aclose()


async def test_a_picture_is_there_before_the_evidence_is(api: httpx.AsyncClient, world: World) -> None:
    world.alert(1000)
    world.bus.set(keys.alert_picture("gate-1000"), world.picture)
    links = (await answered(api, f"{ALERT}/evidence"))["links"]
    assert (await api.get(links["picture"])).content == world.picture
