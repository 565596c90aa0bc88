"""A small world in Redis for the service to show."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import cv2
import numpy as np
import redis

from patchwatch.bus import keys
from patchwatch.bus.keys import CameraKeys
from patchwatch.messages.alerts.alert import Alert, AlertState
from patchwatch.messages.alerts.explanation import Explanation, NearestNormal, RelativeRegion, StreamExplanation
from patchwatch.messages.cameras.analysis_status import AnalysisState, AnalysisStatus
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState, CaptureStatus
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage
from patchwatch.messages.frames.score import Region, Score, ScoreMinute, StreamReading
from patchwatch.messages.heartbeat import Heartbeat

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

    def value(self, key: str) -> bytes:
        """What is stored under a key."""
        value = self.bus.get(key)
        assert isinstance(value, bytes), key
        return value

    def field(self, key: str, name: str) -> bytes:
        """What is stored in a field of a hash."""
        value = self.bus.hget(key, name)
        assert isinstance(value, bytes), (key, name)
        return value

    def add(self, stream: str, fields: Mapping[bytes, bytes], entry_id: str = "*") -> str:
        """Add an entry to a stream; returns its id."""
        answer = self.bus.xadd(stream, dict(fields.items()), id=entry_id)
        assert isinstance(answer, bytes)
        return answer.decode()

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
        self.add(self.keys_of(camera_id).scores, score.encode(), f"{at_ms}-0")
        return f"{camera_id}:{at_ms}-0"

    def minute(self, minute_ms: int, count: int, total: float, peak: float, camera_id: str = "gate") -> None:
        fields = ScoreMinute(minute_ms, count, total, peak).encode()
        self.add(self.keys_of(camera_id).minutes, fields, f"{minute_ms}-0")

    def frame(self, seq: int, camera_id: str = "gate", picture: bytes | None = None, hidden: bytes = b"") -> None:
        at_ns = time.time_ns()
        message = FrameMessage(seq, at_ns, 0, 320, 180, 640, 360, FrameFlag.LIVE, picture or jpeg(), hidden=hidden)
        self.add(self.keys_of(camera_id).frames, message.encode(), message.entry_id)

    def commit(self, seq: int, boxes: list[list[object]], counters: dict[str, int], camera_id: str = "gate") -> None:
        self.bus.hset(self.keys_of(camera_id).state, mapping={"seq": seq, "boxes": json.dumps(boxes)})
        self.bus.hset(self.keys_of(camera_id).counters, mapping=dict(counters.items()))

    def alert(self, started_ms: int, camera_id: str = "gate", **fields: Any) -> str:
        """Returns the id of the message on the stream."""
        alert = Alert.model_validate(
            {
                "id": f"{camera_id}-{started_ms}", "camera_id": camera_id, "state": AlertState.OPEN,
                "started_at_ms": started_ms,
                "opened_at_ms": started_ms + 600, "peak_at_ms": started_ms + 900, "peak_score": 0.9, "threshold": 0.6,
                "stream": "motion", "region": Region(x1=1, y1=2, x2=30, y2=40), "profile": "motion",
                "bank_id": "b1", **fields,
            }
        )  # fmt: skip
        self.bus.set(keys.alert(alert.id), alert.encode())
        self.bus.zadd(keys.ALERTS_BY_TIME, {alert.id: started_ms})
        return self.add(keys.ALERTS, {b"a": alert.encode()})

    def condition(self, kind: str, started_ms: int, camera_id: str = "gate", **fields: object) -> str:
        """An alert of another kind than anomaly; returns its id."""
        alert_id = f"{camera_id}-{kind}-{started_ms}"
        bare: dict[str, object] = {"peak_score": None, "threshold": None, "stream": None, "region": None, "bank_id": ""}
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
        region = Region(x1=100, y1=50, x2=200, y2=150)
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


Serve = Callable[..., str]  # starts a real server for settings; returns its host and port
Until = Callable[[Callable[[], object]], Awaitable[object]]  # awaits a condition
