"""The doctor says what is wrong and what fixes it, before the first start, and beside what runs."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from patchwatch.bus import keys
from patchwatch.bus.connection import admit, connect
from patchwatch.bus.keys import CameraKeys
from patchwatch.cli.app import app
from patchwatch.contract.settings import Settings
from patchwatch.doctor import host, installation
from patchwatch.doctor.examination import examine
from patchwatch.doctor.finding import Finding, Level
from patchwatch.doctor.redis_server import check_server, needed_bytes
from patchwatch.local_redis.kept_server import kept_queue
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState, CaptureStatus
from patchwatch.messages.heartbeat import Heartbeat


def finding_of(findings: list[Finding], check: str, word: str = "") -> Finding:
    matching = [each for each in findings if each.check == check and word in each.text]
    assert matching, [each for each in findings if each.check == check]
    return matching[0]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "media").mkdir()
    return Settings(data_dir=tmp_path / "data", media_dirs=(tmp_path / "media",), port=0, rtsp_port=0)


@pytest.fixture(name="url")
def _url(bus_url: str) -> str:
    return bus_url


def test_before_the_first_start_nothing_fails_and_it_says_what_serve_would_use(settings: Settings) -> None:
    findings = examine(settings)
    assert not [each for each in findings if each.level is Level.FAIL]
    assert "patchwatch serve" in finding_of(findings, "redis").text
    assert finding_of(findings, "data folder").level is Level.OK


def test_a_redis_that_does_not_answer_fails_without_its_password(settings: Settings) -> None:
    findings = examine(settings.changed(redis_url="redis://:hunter2@127.0.0.1:1/0"))
    assert finding_of(findings, "redis").level is Level.FAIL
    assert not any("hunter2" in each.text for each in findings)


def test_a_fresh_redis_forgets_and_has_no_workers(settings: Settings, url: str) -> None:
    findings = examine(settings.changed(redis_url=url))
    assert finding_of(findings, "redis version").level is Level.OK
    assert finding_of(findings, "redis eviction").level is Level.OK
    assert "appendonly" in finding_of(findings, "redis persistence").text
    assert "patchwatch run" in finding_of(findings, "workers", "inference").text


def test_beside_a_serve_without_a_url_it_looks_at_the_queue_in_the_data_folder(settings: Settings) -> None:
    with kept_queue(settings) as queue:
        admit(queue.url, settings.partitions)
        findings = examine(settings)
        assert finding_of(findings, "redis").text == "answers"
        assert finding_of(findings, "redis persistence").level is Level.OK
        assert finding_of(findings, "settings").level is Level.OK
        assert not [each for each in findings if each.level is Level.FAIL]
        others = examine(settings.changed(partitions=8))
        assert finding_of(others, "settings", "begun with 16").level is Level.FAIL
    assert "none runs now" in finding_of(examine(settings), "redis").text


def test_variables_that_are_no_settings_are_reported(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHWATCH_REDIS", "redis://h")
    assert "PATCHWATCH_REDIS_URL" in finding_of(examine(settings), "settings", "PATCHWATCH_REDIS ").text


def test_settings_of_redis_that_lose_or_stop_cameras_are_reported(settings: Settings, url: str) -> None:
    with connect(url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("maxmemory", "20mb")
        findings = list(check_server(client, settings, cameras=50))
        assert finding_of(findings, "redis eviction").level is Level.FAIL
        assert finding_of(findings, "redis memory", "50 cameras").level is Level.WARN
        client.config_set("maxmemory", "100kb")
        assert finding_of(list(check_server(client, settings, 0)), "redis memory", "full").level is Level.FAIL


def test_more_cameras_need_more_memory(settings: Settings) -> None:
    assert 0 < needed_bytes(settings, 1) * 10 == pytest.approx(needed_bytes(settings, 10), rel=0.01)


def test_it_says_how_much_disk_the_cameras_memory_may_take(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    cameras = [Camera(id=f"cam{n}", source="push:", enabled=n < 3) for n in range(4)]
    found = installation.check_memory(settings, cameras)
    assert found.level is Level.OK
    assert "normal of 3 cameras may take 0.8 GB" in found.text
    folder = settings.memory_path("cam0", "scene")
    folder.mkdir(parents=True)
    (folder / "1.stretch").write_bytes(bytes(10**8))
    assert "now 0.1 GB" in installation.check_memory(settings, cameras).text
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=5 * 10**8))
    assert installation.check_memory(settings, cameras).level is Level.WARN
    assert "PATCHWATCH_MEMORY_MB is 0" in installation.check_memory(settings.changed(memory_mb=0), cameras).text


class Clocked:
    """A Redis whose clock goes wrong."""

    def __init__(self, off_s: float, version: str = "7.0.0") -> None:
        self._off_s = off_s
        self._version = version

    def info(self) -> dict[str, Any]:
        return {"redis_version": self._version}

    def ping(self) -> None: ...

    def time(self) -> tuple[int, int]:
        return int(time.time() + self._off_s), 0


@pytest.mark.parametrize(("off_s", "level"), [(60.0, Level.WARN), (-60.0, Level.WARN), (0.0, Level.OK)])
def test_clocks_that_differ_are_reported(settings: Settings, off_s: float, level: Level) -> None:
    assert finding_of(list(check_server(Clocked(off_s), settings, 0)), "clock").level is level


@pytest.mark.parametrize(("version", "level"), [("6.2.14", Level.FAIL), ("7.0.0", Level.OK), ("10.1.0", Level.OK)])
def test_a_redis_that_does_not_count_what_was_added_to_a_stream_is_too_old(
    settings: Settings, version: str, level: Level
) -> None:
    assert finding_of(list(check_server(Clocked(0.0, version), settings, 0)), "redis version").level is level


def test_a_camera_is_judged_by_its_capture_its_bank_its_weights_and_its_account(settings: Settings, url: str) -> None:
    settings = settings.changed(redis_url=url, weights_dir=settings.data_dir / "weights")
    camera_keys = CameraKeys.for_camera("door", settings.partitions)
    with connect(url) as client:
        client.hset(keys.CAMERAS, "door", Camera(id="door", profile="clip").encode())
        status = CaptureStatus(
            camera_id="door", state=CaptureState.LIVE, since_ms=1, updated_at_ms=1, captured=10, unpublished=0
        )
        client.set(camera_keys.capture, status.encode())
        client.xadd(camera_keys.frames, {"h": b""}, id="10-0")
        client.hset(camera_keys.state, "seq", 10)
        client.hset(camera_keys.counters, mapping={"scored": 8, "dropped:too_old": 1})
        beat = Heartbeat(role="ingest", host="elsewhere", pid=1, started_at_ms=1, updated_at_ms=1)
        client.set(keys.worker("ingest", "w"), beat.encode())
    findings = examine(settings)
    assert finding_of(findings, "camera door", "live").level is Level.OK
    assert (
        finding_of(findings, "camera door", "patchwatch banks enrol --camera door --profile clip").level is Level.WARN
    )
    assert finding_of(findings, "camera door", "1 frames are unaccounted for").level is Level.FAIL
    assert "patchwatch weights pull clip-rn101" in finding_of(findings, "weights", "RN101").text
    assert finding_of(findings, "workers", "ingest: 1 alive").level is Level.OK
    assert not [each for each in findings if each.check == "workers" and "delivery" in each.text], "there is no webhook"
    assert finding_of(findings, "partitions").level is Level.WARN


def test_it_says_what_each_network_runs_on(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "may_be_cuda", lambda setting: setting == "cuda")
    monkeypatch.setattr(host, "installed", lambda name: False)
    monkeypatch.setattr(host, "silent_openvino", lambda: SimpleNamespace(get_version=lambda: "2026.4.1-22982-e2"))
    texts = [each.text for each in host._networks(settings.changed(device="openvino"))]
    assert texts[0] == "place stream: OpenVINO 2026.4.1 on the CPU"
    assert "pip install '.[clip]'" in texts[1]
    monkeypatch.setattr(host, "installed", lambda name: True)
    for device, text in {
        "auto": "detector: OpenVINO, CLIP: torch, on the CPU",
        "cpu": "detector: torch, CLIP: torch, on the CPU",
        "openvino": "detector: OpenVINO, CLIP: OpenVINO, on the CPU",
    }.items():
        assert [each.text for each in host._networks(settings.changed(device=device))][1] == text
    monkeypatch.setattr(host, "may_be_cuda", lambda setting: True)
    assert "on the GPU where torch finds one" in next(host._networks(settings)).text


def test_an_absent_openvino_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "may_be_cuda", lambda setting: False)
    monkeypatch.setitem(sys.modules, "openvino", None)
    missing = finding_of(list(host._networks(settings)), "networks", "place stream")
    assert (missing.level, "pip install 'openvino" in missing.text) == (Level.WARN, True)


def test_embedded_weights_of_a_profile_in_use_are_checked(settings: Settings, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[placed]\n[[placed.streams]]\nname = "place"\nkind = "place"\nweight = 1.0\n')
    cameras = [Camera(id="door", profile="placed")]
    [found] = installation.check_weights(settings.changed(profiles_file=own), cameras)
    assert found.level is Level.OK
    assert "efficientnet-lite0" in found.text


def test_a_webhook_needs_a_delivery_worker(settings: Settings, url: str) -> None:
    with connect(url) as client:
        client.hset(keys.WEBHOOKS, "home", b"{}")
        missing = finding_of(examine(settings.changed(redis_url=url)), "workers", "delivery")
        assert (missing.level, "patchwatch run delivery" in missing.text) == (Level.WARN, True)
        beat = Heartbeat(role="delivery", host="elsewhere", pid=1, started_at_ms=1, updated_at_ms=1)
        client.set(keys.worker("delivery", "w"), beat.encode())
    assert finding_of(examine(settings.changed(redis_url=url)), "workers", "delivery: 1 alive").level is Level.OK


def test_a_media_folder_is_missed_only_where_it_is_named_or_a_camera_reads_a_file(
    tmp_path: Path, settings: Settings, url: str
) -> None:
    default = Settings(data_dir=tmp_path / "data", port=0, rtsp_port=0, redis_url=url)
    assert finding_of(examine(default), "media folder").level is Level.OK
    assert finding_of(examine(settings.changed(media_dirs=(tmp_path / "none",))), "media folder").level is Level.WARN
    with connect(url) as client:
        client.hset(keys.CAMERAS, "tape", Camera(id="tape", source="file:/x.mp4").encode())
    assert "mkdir -p" in finding_of(examine(default), "media folder").text


def test_the_command_ends_with_1_when_something_fails_and_prints_json(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATCHWATCH_PORT", "0")
    monkeypatch.setenv("PATCHWATCH_RTSP_PORT", "0")
    well = CliRunner().invoke(app, ["doctor", "--json"])
    assert (well.exit_code, json.loads(well.stdout)["ok"]) == (0, True)
    monkeypatch.setenv("PATCHWATCH_HOST", "0.0.0.0")
    monkeypatch.setenv("PATCHWATCH_API_TOKEN", "short")
    ill = CliRunner().invoke(app, ["doctor"])
    assert ill.exit_code == 1
    assert "fail  exposure: " in ill.stdout
    assert "PATCHWATCH_API_TOKEN" in ill.stdout
    monkeypatch.delenv("PATCHWATCH_API_TOKEN")
    assert "asks for a login" in CliRunner().invoke(app, ["doctor"]).stdout
