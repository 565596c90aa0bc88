"""A request's URI is whatever the peer sent."""

from __future__ import annotations

import pytest

from workers.ingest.rtsp import Message


@pytest.mark.parametrize("uri", ["rtsp://[::/gate", "rtsp://h]/gate", "", "//", "rtsp://h/%ff%00", "rtsp://h/../gate"])
def test_a_uri_that_is_none_names_no_camera(uri: str) -> None:
    request = Message("OPTIONS", uri, (("CSeq", "1"),), b"")
    assert request.camera_id is None
    assert request.path.startswith("/")
