"""Commands on recordings go by a camera's zones, and read nothing where those are not to be had."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.frames.view import View
from patchwatch.bus import keys
from patchwatch.bus.connection import connect
from patchwatch.cli.commands.banks.zones import camera_zones, view_to_score, zones_to_learn
from patchwatch.contract.errors import BusUnavailableError, RejectedError
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera

STRIP = ((0.0, 0.0), (0.3, 0.0), (0.3, 1.0), (0.0, 1.0))
WINDOW = {"name": "window", "kind": "privacy", "points": [list(point) for point in STRIP]}
LEARNT = View(ignored=(STRIP,))


@pytest.fixture
def alone(tmp_path: Path) -> Settings:
    """No service, no Redis."""
    return Settings(data_dir=tmp_path / "data")


def test_where_nobody_knows_of_the_camera_its_bank_does(alone: Settings) -> None:
    assert camera_zones(alone, "gate") is None
    assert view_to_score(alone, "gate", LEARNT) == LEARNT
    assert zones_to_learn(alone, "gate", alone.bank_path("gate", "motion")) == ()


def test_the_record_of_the_camera_is_asked_for_and_zones_that_are_given_come_first(bus_url: str) -> None:
    settings = Settings(redis_url=bus_url)
    client = connect(bus_url)
    assert view_to_score(settings, "gate", LEARNT) == LEARNT, "a camera of no installation"
    client.hset(keys.CAMERAS, "gate", Camera.model_validate({"id": "gate", "zones": [WINDOW]}).encode())
    assert view_to_score(settings, "gate", LEARNT) == View(hidden=(STRIP,))
    assert view_to_score(settings, "gate", LEARNT, []) == View()
    client.hset(keys.CAMERAS, "gate", json.dumps({"id": "gate", "zones": [{"kind": "privacy"}]}))
    with pytest.raises(RejectedError, match="set them again"):
        camera_zones(settings, "gate")


def test_a_redis_that_does_not_answer_is_no_camera_without_zones() -> None:
    with pytest.raises(BusUnavailableError, match="--zone-file"):
        camera_zones(Settings(redis_url="redis://127.0.0.1:1/0"), "gate")
    assert camera_zones(Settings(redis_url="redis://127.0.0.1:1/0"), "gate", []) == ()


def test_zones_that_no_service_checks_are_checked_all_the_same(alone: Settings) -> None:
    with pytest.raises(RejectedError, match="outside of the picture"):
        camera_zones(alone, "gate", [WINDOW | {"points": [[0, 0], [2, 0], [1, 1]]}])
    with pytest.raises(RejectedError, match="two zones are called"):
        camera_zones(alone, "gate", [WINDOW, WINDOW])
