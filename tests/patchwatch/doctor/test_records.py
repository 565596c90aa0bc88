"""The doctor names records that only a later version can read, and those that nobody can."""

from __future__ import annotations

from pathlib import Path

from patchwatch.bus import keys
from patchwatch.bus.connection import connect
from patchwatch.contract.settings import Settings
from patchwatch.doctor.examination import examine
from patchwatch.doctor.finding import Level
from patchwatch.messages.cameras.camera import Camera


def test_records_of_a_later_version_are_named(bus_url: str, tmp_path: Path) -> None:
    settings = Settings(redis_url=bus_url, data_dir=tmp_path)
    camera = Camera(id="gate", source="rtsp://camera.example/1")
    with connect(bus_url) as client:
        client.hset(keys.CAMERAS, "gate", camera.encode())
        assert said(settings) == [(Level.OK, "all 1 can be read")]
        client.hset(keys.CAMERAS, "yard", camera.model_copy(update={"id": "yard", "version": 99}).encode())
        client.hset(keys.WEBHOOKS, "home", b"{")
    [later, damaged] = said(settings)
    assert later[0] is Level.FAIL
    assert "pw:cameras 'yard': Camera version 99 is newer" in later[1]
    assert "patchwatch restore" in later[1]
    assert damaged == (Level.WARN, "1 records cannot be read and are left out: pw:webhooks 'home'")


def said(settings: Settings) -> list[tuple[Level, str]]:
    return [(one.level, one.text) for one in examine(settings) if one.check == "records"]
