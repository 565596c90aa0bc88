"""Ids of cameras that are taken over, and go2rtc's streams."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchwatch.contract.errors import RejectedError
from patchwatch.messages.base import CAMERA_ID_PATTERN
from patchwatch.nvr.go2rtc import go2rtc_cameras
from patchwatch.nvr.known_camera import KnownCamera, with_ids


def ids(*names: str) -> list[str]:
    return [id for _, id in with_ids([KnownCamera(name) for name in names])]


@settings(max_examples=50)
@given(st.lists(st.text(max_size=80), max_size=8))
def test_every_camera_gets_an_id_of_its_own(names: list[str]) -> None:
    given_ids = ids(*names)
    assert len(given_ids) == len(set(given_ids)) == len(names)
    assert all(re.fullmatch(CAMERA_ID_PATTERN, id) for id in given_ids)


def test_ids_are_near_to_the_names() -> None:
    assert ids("Back Yard", "back yard", "door_1", "__") == ["back-yard", "back-yard-2", "door_1", "camera"]


def test_streams_of_go2rtc_are_taken_from_its_rtsp_server() -> None:
    cameras = go2rtc_cameras({"yard": {"producers": [{"url": "rtsp://u:p@cam/1"}]}, "a/b": None}, "fe80::1", 8554)
    assert [camera.source for camera in cameras] == ["rtsp://[fe80::1]:8554/yard", "rtsp://[fe80::1]:8554/a%2Fb"]


def test_another_document_is_refused() -> None:
    with pytest.raises(RejectedError, match="go2rtc"):
        go2rtc_cameras({"version": 1.9}, "nvr", 8554)


def test_a_password_shows_nowhere() -> None:
    camera = KnownCamera.from_source("yard", "rtsp://me:secret@cam/1")
    assert "secret" not in camera.shown_source
    assert camera.fields("yard")["source"] == "rtsp://me:secret@cam/1"
