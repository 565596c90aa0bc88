"""Frigate's cameras: which address each is taken from, and what cannot be taken says why."""

from __future__ import annotations

from typing import Any

import pytest

from patchwatch.contract.errors import RejectedError
from patchwatch.nvr.frigate import Frigate
from patchwatch.nvr.frigate_zones import frigate_zones
from patchwatch.nvr.known_camera import KnownCamera


def entry(path: str, *roles: str, **others: Any) -> dict[str, Any]:
    return {"ffmpeg": {"inputs": [{"path": path, "roles": list(roles or ("detect",))}]}} | others


def only(config: dict[str, Any], frigate: Frigate | None = None) -> KnownCamera:
    [camera] = (frigate or Frigate("nvr")).cameras(config)
    return camera


def test_its_own_restream_is_taken_from_its_host() -> None:
    camera = only({"cameras": {"Back Yard": entry("rtsp://127.0.0.1:8554/Back Yard")}}, Frigate("10.0.0.9", 8555))
    assert (camera.source, camera.reason) == ("rtsp://10.0.0.9:8555/Back%20Yard", None)


def test_a_stream_of_the_cameras_name_is_preferred_to_a_second_connection() -> None:
    config = {"go2rtc": {"streams": {"yard": ["rtsp://u:p@cam/1"]}}, "cameras": {"yard": entry("rtsp://u:p@cam/2")}}
    assert only(config).source == "rtsp://nvr:8554/yard"
    assert only(config, Frigate("nvr", direct=True)).source == "rtsp://u:p@cam/2"


def test_the_input_that_frigate_analyses_is_taken() -> None:
    inputs = [{"path": "rtsp://cam/main", "roles": ["record"]}, {"path": "rtsp://cam/sub", "roles": ["detect"]}]
    assert only({"cameras": {"yard": {"ffmpeg": {"inputs": inputs}}}}).source == "rtsp://cam/sub"


def test_variables_are_filled_in_and_missing_ones_named() -> None:
    config = {"cameras": {"yard": entry("rtsp://{FRIGATE_U}:{FRIGATE_P}@cam/1")}}
    assert only(config, Frigate("nvr", variables={"FRIGATE_U": "me", "FRIGATE_P": "x"})).source == "rtsp://me:x@cam/1"
    missing = only(config, Frigate("nvr", variables={"FRIGATE_U": "me"}))
    assert missing.source is None
    assert "FRIGATE_P:" in (missing.reason or "")
    assert "FRIGATE_U" not in (missing.reason or "")


@pytest.mark.parametrize(
    ("camera", "word"),
    [
        (entry("rtsp://*:*@cam/1"), "hides its password"),
        (entry("rtsp://cam/1", enabled=False), "switched off"),
        (entry("/media/loop.mp4"), "scheme"),
        (entry("file:/media/loop.mp4"), "no rtsp"),
        (entry("rtsp://me:se/cret@cam/1"), "%2F"),
        ({}, "no input"),
        ({"ffmpeg": {"inputs": "rtsp://cam/1"}}, "no input"),
        (None, "no input"),
    ],
)
def test_what_cannot_be_taken_says_why_and_no_secret(camera: Any, word: str) -> None:
    known = only({"cameras": {"yard": camera}})
    assert known.source is None
    assert word in (known.reason or "")
    assert "cret" not in (known.reason or "")


@pytest.mark.parametrize("config", [{}, {"cameras": []}, {"cameras": {}}, {"cameras": "yard"}])
def test_another_document_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(RejectedError, match="not Frigate's configuration"):
        Frigate("nvr").cameras(config)


def test_zones_come_along_in_shares_of_the_picture() -> None:
    shares = {"coordinates": "0.1,0.1,0.5,0.1,0.5,0.9"}
    pixels = {"coordinates": ["64,36", "640,36", "640,360"]}
    zones, left_out = frigate_zones(
        {"zones": {"porch": shares, "road": pixels}, "detect": {"width": 640, "height": 360}}
    )
    assert left_out == ()
    assert [zone["name"] for zone in zones] == ["porch", "road"]
    assert [list(point) for point in zones[1]["points"]] == [[0.1, 0.1], [1.0, 0.1], [1.0, 1.0]]
    assert {zone["kind"] for zone in zones} == {"zone"}


@pytest.mark.parametrize(
    ("zone", "word"),
    [
        ({"coordinates": "a,b,c"}, "no numbers"),
        ({"coordinates": "0.1,0.2,0.3"}, "no pairs"),
        ({"coordinates": "100,100,200,100,200,200"}, "pixels"),
        ({"coordinates": "0.1,0.1,0.5,0.5"}, "corners"),
        ({"coordinates": "nan,0,1,1,0,1"}, "pixels"),
        ({}, "no numbers"),
        (7, "no numbers"),
        ({"coordinates": [["0.1"], 0.2]}, "no numbers"),
    ],
)
def test_a_zone_that_cannot_be_taken_keeps_no_camera_out(zone: Any, word: str) -> None:
    camera = only({"cameras": {"yard": entry("rtsp://cam/1", zones={"porch": zone})}})
    assert camera.source == "rtsp://cam/1"
    assert camera.zones == ()
    assert word in camera.left_out[0]


def test_lists_in_lists_cost_nothing() -> None:
    """YAML's aliases make a few hundred bytes into as many numbers as one likes."""
    nested: list[Any] = [0.5] * 10
    for _ in range(30):
        nested = [nested] * 10
    zones, left_out = frigate_zones({"zones": {"porch": {"coordinates": nested}}})
    assert zones == ()
    assert "no numbers" in left_out[0]
