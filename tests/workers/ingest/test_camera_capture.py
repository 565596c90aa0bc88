"""The status of a push camera while nobody publishes."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from patchwatch.contract.redaction import redact
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera
from workers.ingest.camera_capture import CameraCapture
from workers.ingest.capture.capture_status import CaptureStatusTracker
from workers.runtime.leases import Lease


class FirstStatus:
    """Replaces the status tracker, and ends the capture at its first state."""

    detail = ""

    def set(self, state: object, reason: object = None, detail: str = "") -> None:
        self.detail = detail
        raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("host", "port", "detail"),
    [
        ("127.0.0.1", 8654, "nobody publishes to /door of the RTSP endpoint, 127.0.0.1:8654"),
        ("0.0.0.0", 8554, "nobody publishes to /door of the RTSP endpoint, HOST:8554"),
        ("::1", 8554, "nobody publishes to /door of the RTSP endpoint, [::1]:8554"),
        ("127.0.0.1", 0, "nobody publishes to the RTSP endpoint"),
    ],
)
async def test_a_camera_without_a_publisher_says_where_to_publish(host: str, port: int, detail: str) -> None:
    status: Any = FirstStatus()
    settings = Settings(rtsp_host=host, rtsp_port=port)
    capture = CameraCapture(
        Camera(id="door", source="push:"), settings, cast("CaptureStatusTracker", status), 1.0, cast("Lease", None)
    )
    with pytest.raises(asyncio.CancelledError):
        await capture.run()
    assert redact(status.detail) == status.detail == detail
