"""ONVIF devices are found, asked once, and send us nowhere but to themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from onvif_site import PASSWORD, USER, OnvifSite, onvif_site, probe_match
from typer.testing import CliRunner

from patchwatch.cli.commands.cameras import discovery as camera_discovery
from patchwatch.cli.commands.cameras import group as cameras
from patchwatch.contract.errors import RejectedError, RetryableError
from patchwatch.nvr.onvif_device import Stream, best_stream, device_streams
from patchwatch.nvr.ws_discovery import Device, device_in, find_devices
from patchwatch.rest_client import RestClient

# aiohttp and zeep leave what they hold to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def site() -> Iterator[OnvifSite]:
    with onvif_site() as site:
        yield site


def test_a_device_is_found_and_what_is_none_is_not(site: OnvifSite) -> None:
    assert find_devices(0.5, [(HOST, site.udp_port)]) == [Device(HOST, site.address, "Back Yard")]


def test_streams_are_asked_at_the_device_that_answered(site: OnvifSite) -> None:
    streams = device_streams(Device(HOST, site.address, "yard"), USER, PASSWORD)
    assert [(stream.profile, stream.width, stream.height) for stream in streams] == [
        ("main", 1920, 1080), ("sub", 640, 360), ("tiny", 320, 180),
    ]  # fmt: skip
    best = best_stream(streams)
    assert best is not None
    assert best.source == "rtsp://operator:se%2Fcret@127.0.0.1:554/live/sub?x=1"


def test_a_wrong_password_is_tried_once(site: OnvifSite) -> None:
    before = site.refused
    with pytest.raises(RejectedError, match="check --user"):
        device_streams(Device(HOST, site.address, "yard"), USER, "other")
    assert site.refused == before + 1


def test_nobody_there_may_pass() -> None:
    with pytest.raises(RetryableError, match="does not answer"):
        device_streams(Device(HOST, "http://127.0.0.1:9/onvif/device_service", "yard"), USER, PASSWORD)


def test_without_a_wide_stream_the_widest_is_taken() -> None:
    narrow = [Stream(str(width), "rtsp://cam", "H264", width, width // 2) for width in (160, 320)]
    assert best_stream(narrow) == narrow[1]
    assert best_stream([]) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"<a>" * 10_000,
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        probe_match("http://192.0.2.9/onvif"),
        probe_match("file:///etc/passwd ftp://127.0.0.1/x http://[bad"),
        probe_match("http://127.0.0.1/" + "x" * 5000),
        probe_match(""),
    ],
)
def test_what_is_no_answer_of_a_device_is_passed_over(content: bytes) -> None:
    assert device_in(content, HOST) is None


def test_a_name_is_one_short_printable_line() -> None:
    device = device_in(probe_match("http://127.0.0.1/onvif", "a%0Ab" + "%20" * 100), HOST)
    assert device is not None
    assert device.name.startswith("ab")
    assert len(device.name) <= 60


def test_they_are_added_by_one_command(site: OnvifSite, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[dict[str, Any]] = []

    def answer(client: object, method: str, path: str, body: Any = None) -> Any:
        bodies.extend([body] if body else [])
        return {"cameras": []}

    monkeypatch.setattr(RestClient, "request", answer)
    monkeypatch.setattr(camera_discovery, "GROUP", (HOST, site.udp_port))
    arguments = ["discover", "--host", HOST, "--wait", "0.5", "--user", USER, "--add", "--json"]
    result = CliRunner().invoke(cameras.app, arguments, input=PASSWORD + "\n", catch_exceptions=False)
    [row] = json.loads(result.output)
    assert (row["id"], row["outcome"]) == ("back-yard", "added")
    assert PASSWORD not in result.output
    assert bodies == [
        {"id": "back-yard", "name": "Back Yard", "source": "rtsp://operator:se%2Fcret@127.0.0.1:554/live/sub?x=1"}
    ]
    shown = CliRunner().invoke(cameras.app, arguments[:5], catch_exceptions=False).output
    assert site.address in shown
    with pytest.raises(RejectedError, match="give --user"):
        CliRunner().invoke(cameras.app, ["discover", "--add"], catch_exceptions=False)
