"""An RTSP endpoint before stand-ins of captures."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from rtsp_peer import StandIn, endpoint

from patchwatch.messages.cameras.camera import Camera
from workers.ingest.rtsp.server import RtspServer


@pytest.fixture
def cameras() -> StandIn:
    return StandIn({"cam": Camera(id="cam"), "other": Camera(id="other")})


@pytest.fixture
async def rtsp_server(cameras: StandIn) -> AsyncIterator[RtspServer]:
    async with endpoint(cameras) as opened:
        yield opened
