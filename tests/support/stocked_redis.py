"""A Redis as it is after minutes of work: what the workers and the service themselves wrote there."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import redis
from moving_scene import FPS, HEIGHT, WIDTH, scene

from models.bank import Bank
from models.bankfile import save_bank
from models.engine import Engine
from models.frame import Frame
from models.learning import Learner
from models.perception import View
from models.profile import load_profile
from patchwatch import keys
from patchwatch.keys import CameraKeys
from patchwatch.messages.camera import Camera
from patchwatch.messages.frame import FrameFlag, FrameMessage
from patchwatch.messages.status import CaptureState, CaptureStatus, Enrolment, EnrolmentState, Gap, Reason, WorkerBeat
from patchwatch.settings import Settings
from workers.enrolment.banks import BankKeeping
from workers.enrolment.report import report_of
from workers.inference.worker import InferenceWorker
from workers.ingest import picture
from workers.thresholds import told

CAMERA = "cam"
_NORMAL_S, _SCORED_S = 60, 75  # the latter more than a minute, so that there is one in the minutes' stream
_RUSH_S = 60


def learn_bank(settings: Settings) -> Bank:
    """Learn and keep the bank of the camera's motion profile, of one minute of its scene."""
    engine = Engine(load_profile("motion"))
    learner, view = Learner(engine.profile, engine.streams, engine.identity), View()
    frames = [Frame(picture.decode(picture.encode(scene(n / FPS), 85)), n / FPS) for n in range(_NORMAL_S * FPS)]
    for frame, features in zip(frames, engine.extract(frames, [view] * len(frames)), strict=True):
        learner.add(frame.at_s, features, frame.rgb)
    bank = learner.build(["scene"])
    save_bank(bank, settings.bank_path(CAMERA, "motion"))
    return bank


def frame_message(seq: int, at_ns: int, *, rush: bool = False) -> FrameMessage:
    """One frame of the scene, at any age."""
    flags = FrameFlag.DISCONTINUITY if seq == 1 else FrameFlag(0)
    jpeg = picture.encode(scene(seq / FPS, rush=rush), 85)
    return FrameMessage(seq, at_ns, seq * 10**9 // FPS, WIDTH, HEIGHT, 2 * WIDTH, 2 * HEIGHT, flags, jpeg)


def stock(client: Any, settings: Settings, bank: Bank) -> None:
    """One camera: enrolled, scored, with an open alert, and every record that there can be."""
    now_ms = time.time_ns() // 1_000_000
    names = CameraKeys.of(CAMERA, settings.partitions)
    camera = Camera(id=CAMERA, source="rtsp://user:secret@camera.example/1", false_alarms_per_day=2.0)
    client.hset(keys.CAMERAS, CAMERA, camera.encode())
    client.incr(keys.CAMERAS_REVISION)
    capture = CaptureStatus(
        camera_id=CAMERA, state=CaptureState.LIVE, reason=Reason.TIMEOUT, detail="late", since_ms=now_ms - 90_000,
        updated_at_ms=now_ms, last_frame_at_ms=now_ms, fps=5.0, width=640, height=480, codec="h264",
        captured=_SCORED_S * FPS, decode_errors=2, reconnects=1, last_gap=Gap(from_ms=now_ms - 9000, to_ms=now_ms),
    )  # fmt: skip
    client.set(names.capture, capture.encode())
    enrolment = Enrolment(
        id="e1", camera_id=CAMERA, profile="motion", sources=("file:/nowhere/a.mp4",), analysis_fps=5.0,
        false_alarms_per_day=2.0, state=EnrolmentState.DONE, progress=1.0, bank_id=bank.id,
        report=report_of(bank, CAMERA), threshold=told(bank.threshold.at(2.0)),
        created_at_ms=now_ms, updated_at_ms=now_ms,
    )  # fmt: skip
    client.hset(keys.ENROLMENT_RECORDS, enrolment.id, enrolment.encode())
    waiting = enrolment.model_copy(
        update={"id": "e2", "state": EnrolmentState.RUNNING, "bank_id": None, "report": None}
    )
    client.hset(keys.ENROLMENT_RECORDS, waiting.id, waiting.encode())
    client.hset(keys.ENROLMENTS_LATEST, CAMERA, waiting.id)
    client.sadd(keys.ENROLMENTS_PENDING, waiting.id)
    client.set(keys.PROFILES, '["motion", "objects"]')
    BankKeeping(settings, client).turn()
    beat = WorkerBeat(role="ingest", host="here", pid=1, started_at_ms=now_ms, updated_at_ms=now_ms)
    client.set(keys.worker("ingest", "w"), beat.encode())
    _score(client, names, settings)
    client.set(keys.worker("inference", "w"), beat.model_copy(update={"role": "inference"}).encode())


def _score(client: Any, names: CameraKeys, settings: Settings) -> None:
    start_ns = time.time_ns() - (_SCORED_S + 5) * 10**9
    worker = InferenceWorker(settings)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        for seq in range(1, _SCORED_S * FPS + 1):
            at_ns = start_ns + seq * 10**9 // FPS
            rush = seq > _RUSH_S * FPS
            client.xadd(names.frames, dict(frame_message(seq, at_ns, rush=rush).encode()), id=f"{seq}-0")
        deadline_s = time.monotonic() + 90
        while int(client.hget(names.counters, "scored") or 0) < _SCORED_S * FPS:
            assert time.monotonic() < deadline_s, client.hgetall(names.counters)
            time.sleep(0.05)
    finally:
        worker.stop()
        thread.join(timeout=20)


@dataclass(frozen=True)
class Snapshot:
    """All keys with their values, as Redis itself writes them down."""

    values: dict[bytes, bytes]

    @classmethod
    def take(cls, client: redis.Redis) -> Snapshot:
        names: Any = client.keys("*")
        return cls({name: client.dump(name) for name in sorted(names)})  # type: ignore[misc]

    def restore(self, client: redis.Redis) -> None:
        """Put everything back, and nothing else."""
        with client.pipeline(transaction=False) as pipe:
            pipe.flushall()
            for name, value in self.values.items():
                pipe.restore(name, 0, value)  # type: ignore[arg-type]
            pipe.execute()
