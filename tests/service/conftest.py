"""A small world in Redis for the service to show, and the service itself, in-process and as a real server."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
import redis
import uvicorn
from waiting import eventually

from patchwatch.bus import keys
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.settings import Settings
from patchwatch.messages.alert import Alert, AlertRegion, AlertState
from patchwatch.messages.analysis_status import AnalysisState, AnalysisStatus
from patchwatch.messages.camera import Camera
from patchwatch.messages.capture_status import CaptureState, CaptureStatus
from patchwatch.messages.explanation import Explanation, NearestNormal, RelativeRegion, StreamExplanation
from patchwatch.messages.frame import FrameFlag, FrameMessage
from patchwatch.messages.heartbeat import Heartbeat
from patchwatch.messages.score import Region, Score, ScoreMinute, StreamReading
from service.app import create_app
from service.server import bind, configure

PARTITIONS = 16


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def jpeg(width: int = 320, height: int = 180) -> bytes:
    return cv2.imencode(".jpg", np.full((height, width, 3), 60, np.uint8))[1].tobytes()


class World:
    """Writes what the workers would write."""

    def __init__(self, url: str) -> None:
        self.bus = redis.Redis.from_url(url)
        self.picture = jpeg()

    def keys_of(self, camera_id: str) -> CameraKeys:
        return CameraKeys.for_camera(camera_id, PARTITIONS)

    def camera(self, camera_id: str = "gate", **fields: object) -> Camera:
        camera = Camera.model_validate({"id": camera_id, **fields})
        self.bus.hset(keys.CAMERAS, camera_id, camera.encode())
        self.bus.incr(keys.CAMERAS_REVISION)
        return camera

    def capture(self, camera_id: str = "gate", state: CaptureState = CaptureState.LIVE, **fields: object) -> None:
        at_ms = now_ms()
        status = {"since_ms": at_ms, "updated_at_ms": at_ms, "fps": 5.0, "width": 640, "height": 360, **fields}
        record = CaptureStatus.model_validate({"camera_id": camera_id, "state": state, **status})
        self.bus.set(self.keys_of(camera_id).capture, record.encode())

    def analysis(self, camera_id: str = "gate", state: AnalysisState = AnalysisState.SCORING, **fields: object) -> None:
        known = {"profile": "motion", "threshold_on": 0.6, "threshold_off": 0.4, "updated_at_ms": now_ms(), **fields}
        record = AnalysisStatus.model_validate({"camera_id": camera_id, "state": state, **known})
        self.bus.set(self.keys_of(camera_id).analysis, record.encode())

    def score(self, at_ms: int, value: float = 0.2, camera_id: str = "gate", seq: int = 1, **fields: object) -> str:
        streams = (StreamReading("motion", value), StreamReading("local", None))
        at_ns = at_ms * 1_000_000
        known = {"driver": "motion", "region": Region(100, 50, 200, 150), **fields}
        score = Score(seq, at_ns, at_ns + 120_000_000, value, value, streams, **known)  # type: ignore[arg-type]
        self.bus.xadd(self.keys_of(camera_id).scores, score.encode(), id=f"{at_ms}-0")
        return f"{camera_id}:{at_ms}-0"

    def minute(self, minute_ms: int, count: int, total: float, peak: float, camera_id: str = "gate") -> None:
        fields = ScoreMinute(minute_ms, count, total, peak).encode()
        self.bus.xadd(self.keys_of(camera_id).minutes, fields, id=f"{minute_ms}-0")

    def frame(self, seq: int, camera_id: str = "gate", picture: bytes | None = None) -> None:
        at_ns = time.time_ns()
        message = FrameMessage(seq, at_ns, 0, 320, 180, 640, 360, FrameFlag.LIVE, picture or jpeg())
        self.bus.xadd(self.keys_of(camera_id).frames, message.encode(), id=message.entry_id)

    def commit(self, seq: int, boxes: list[list[object]], counters: dict[str, int], camera_id: str = "gate") -> None:
        self.bus.hset(self.keys_of(camera_id).state, mapping={"seq": seq, "boxes": json.dumps(boxes)})
        self.bus.hset(self.keys_of(camera_id).counters, mapping=counters)

    def alert(
        self, started_ms: int, camera_id: str = "gate", state: AlertState = AlertState.OPEN, **fields: object
    ) -> str:
        """Returns the id of the message on the stream."""
        alert = Alert.model_validate(
            {
                "id": f"{camera_id}-{started_ms}", "camera_id": camera_id, "state": state, "started_at_ms": started_ms,
                "opened_at_ms": started_ms + 600, "peak_at_ms": started_ms + 900, "peak_score": 0.9, "threshold": 0.6,
                "stream": "motion", "region": AlertRegion(x1=1, y1=2, x2=30, y2=40), "profile": "motion",
                "bank_id": "b1", **fields,
            }
        )  # fmt: skip
        self.bus.set(keys.alert(alert.id), alert.encode())
        self.bus.zadd(keys.ALERTS_BY_TIME, {alert.id: started_ms})
        entry_id: bytes = self.bus.xadd(keys.ALERTS, {b"a": alert.encode()})
        return entry_id.decode()

    def condition(self, kind: str, started_ms: int, camera_id: str = "gate", **fields: object) -> str:
        """An alert of another kind than anomaly; returns its id."""
        alert_id = f"{camera_id}-{kind}-{started_ms}"
        bare = {"peak_score": None, "threshold": None, "stream": None, "region": None, "bank_id": ""}
        self.alert(started_ms, camera_id, **bare, **{"id": alert_id, "kind": kind, "detail": "look at it", **fields})
        return alert_id

    def explanation(self, camera_id: str = "gate", **fields: object) -> Explanation:
        """Motion contributes three quarters; one of its two nearest has a thumbnail, the other a time of capture."""
        box = RelativeRegion(x1=0.1, y1=0.2, x2=0.3, y2=0.4)
        thumbnail = b64encode(self.picture).decode()
        nearest = (
            NearestNormal(distance=0.2, source="monday.mp4", time_s=12.4, region=box, thumbnail=thumbnail),
            NearestNormal(distance=0.3, source="gate live", time_s=3.0, captured_at_ms=1_800_000_000_000, region=box),
        )
        region = AlertRegion(x1=100, y1=50, x2=200, y2=150)
        motion = StreamExplanation(
            name="motion", weight=0.5, contribution=0.75, rarity=4.2, distance=0.2, region=region, nearest=nearest
        )
        local = StreamExplanation(name="local", weight=0.5, contribution=0.25)
        known = {"at_ms": now_ms(), "seq": 7, "width": 640, "height": 360, "raw": 5.1, "score": 0.9, **fields}
        return Explanation.model_validate(
            {"camera_id": camera_id, "profile": "motion", "bank_id": "b1", "streams": (motion, local), **known}
        )

    def beat(self, role: str, **fields: Any) -> None:
        known = {"started_at_ms": now_ms(), "updated_at_ms": now_ms(), **fields}
        beat = Heartbeat(role=role, host="here", pid=1, **known)
        self.bus.set(keys.worker(role, "w1"), beat.encode(), ex=60)


@pytest.fixture
def world(bus_url: str) -> Iterator[World]:
    made = World(bus_url)
    yield made
    made.bus.close()


@pytest.fixture
def settings(bus_url: str, tmp_path: Path) -> Settings:
    (tmp_path / "media").mkdir()
    return Settings(redis_url=bus_url, media_dirs=(tmp_path / "media",), websocket_heartbeat_s=0.3, port=0)


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app, without a server."""
    app = create_app(settings)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client
    await app.state.context.store.bus.aclose()


Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a real server for settings; returns its host and port. All are stopped at the end."""
    with contextlib.ExitStack() as stack:

        def start(
            settings: Settings, *, client_queue: int = 1000, send_buffer: int | None = None, most: int = 5000
        ) -> str:
            app = create_app(settings, client_queue=client_queue)
            listener = bind(Settings(port=0))
            if send_buffer:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
            server = uvicorn.Server(configure(app, most))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
            thread.start()
            stack.callback(listener.close)
            stack.callback(thread.join, 15)
            stack.callback(setattr, server, "should_exit", True)
            port: int = listener.getsockname()[1]
            return f"127.0.0.1:{port}"

        yield start


@pytest.fixture
def until() -> Callable[[Callable[[], object]], object]:
    """Awaits a condition."""

    return eventually  # type: ignore[return-value]
