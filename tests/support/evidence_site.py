"""A site whose cameras deliver frames and whose alerts open and close, with a recorder that is asked turn by turn.

Time is the camera's: frames are stamped from `BEGIN_MS` on, and the recorder's clock follows them.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchwatch.bus import keys
from patchwatch.bus.connection import connect
from patchwatch.bus.keys import CameraKeys, LeaseKeys
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert, AlertKind, AlertState
from patchwatch.messages.alerts.evidence import EvidenceManifest, EvidenceRecord, stored_name
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage
from patchwatch.messages.frames.score import Region
from patchwatch.storage.opening import open_storage
from patchwatch.storage.storage import Storage
from workers.enrolment.evidence.finisher import EvidenceFinisher
from workers.enrolment.evidence.recorder import EvidenceRecorder
from workers.enrolment.evidence.spool import Spool
from workers.media import jpeg_codec

BEGIN_MS = 1_800_000_000_000
STEP_MS = 200
WIDTH, HEIGHT = 160, 96
LEASE = b"worker:1"


class CameraClock:
    """The clock of a recorder that lives in the time of the frames."""

    def __init__(self) -> None:
        self.at_ms = BEGIN_MS

    def sync(self, client: Any) -> None:
        """Nothing to follow."""

    def now_ms(self) -> int:
        return self.at_ms


def picture(number: int) -> NDArray[np.uint8]:
    """A bar that moves over grey."""
    rgb = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    rgb[:, number * 3 % (WIDTH - 20) :][:, :20] = (200, 60, 40)
    return rgb


class EvidenceSite:
    """``spool`` and store lie below ``settings.data_dir``. `worker` makes a new recorder, as after a restart.

    ``passed_s``: by which the finisher's monotonic clock is ahead of the real one.
    """

    def __init__(self, settings: Settings, storage: Storage | None = None) -> None:
        self.settings = settings
        self.client: Any = connect(settings.shared_redis_url)
        self.storage = storage or open_storage(settings.evidence_url, settings.evidence_dir)
        self.clock = CameraClock()
        self.seq = 0
        self.passed_s = 0.0
        self.picture = picture
        self.client.set(LeaseKeys.for_evidence().lease, LEASE)
        self.client.set(LeaseKeys.for_evidence().fence, 1)
        self.camera()
        self.spool, self.finisher, self.recorder = self.worker()
        self.recorder.poll()

    def uptime_s(self) -> float:
        return time.monotonic() + self.passed_s

    def worker(self) -> tuple[Spool, EvidenceFinisher, EvidenceRecorder]:
        """What a worker that was just started has."""
        spool = Spool(self.settings.evidence_spool_dir, self.settings.evidence_spool_mb * 10**6)
        finisher = EvidenceFinisher(self.settings, self.client, spool, self.storage, self.uptime_s)
        recorder = EvidenceRecorder(self.settings, self.client, spool, finisher, lambda: LEASE)
        finisher._clock = recorder._clock = self.clock  # type: ignore[assignment]
        return spool, finisher, recorder

    def restart(self) -> None:
        """As after a kill: what the worker had in memory is gone."""
        self.spool, self.finisher, self.recorder = self.worker()

    def camera(self, **fields: Any) -> None:
        self.client.hset(keys.CAMERAS, "gate", Camera.model_validate({"id": "gate", **fields}).encode())

    def film(self, seconds: float, *, polls: bool = True) -> None:
        """Deliver frames, a second at a time; the queue keeps the newest 64."""
        of = CameraKeys.for_camera("gate", self.settings.partitions)
        for number in range(round(seconds * 1000 / STEP_MS)):
            self.seq += 1
            self.clock.at_ms = BEGIN_MS + self.seq * STEP_MS
            jpeg = jpeg_codec.encode(self.picture(self.seq), 85)
            at_ns = self.clock.at_ms * 1_000_000
            message = FrameMessage(self.seq, at_ns, 0, WIDTH, HEIGHT, 320, 192, FrameFlag.LIVE, jpeg)
            self.client.xadd(of.frames, message.encode(), id=message.entry_id, maxlen=64, approximate=False)
            if polls and number % 5 == 4:
                self.recorder.poll()

    def alert(self, *, started_ms: int | None = None, kind: AlertKind = AlertKind.ANOMALY, **fields: Any) -> Alert:
        """An alert that opens now."""
        now_ms = self.clock.at_ms
        started_ms = now_ms if started_ms is None else started_ms
        anomaly: dict[str, Any] = {"peak_score": 0.9, "threshold": 0.6, "region": Region(40, 20, 160, 100)}
        known = {
            "id": f"gate-{started_ms}", "camera_id": "gate", "kind": kind, "state": AlertState.OPEN,
            "started_at_ms": started_ms, "opened_at_ms": now_ms, "peak_at_ms": now_ms, "profile": "motion",
            **(anomaly if kind is AlertKind.ANOMALY else {}), **fields,
        }  # fmt: skip
        return self.change(Alert.model_validate(known))

    def change(self, alert: Alert, *, told: bool = True, **fields: Any) -> Alert:
        """The inference worker writes a change of the alert, and tells of it."""
        changed = alert.model_copy(update=fields)
        self.client.set(keys.alert(alert.id), changed.encode())
        self.client.zadd(keys.ALERTS_BY_TIME, {alert.id: alert.started_at_ms})
        if told:
            self.client.xadd(keys.ALERTS, {b"a": changed.encode()})
        return changed

    def close(self, alert: Alert) -> Alert:
        return self.change(alert, state=AlertState.CLOSED, ended_at_ms=self.clock.at_ms, told=True)

    def finish(self) -> None:
        self.recorder.poll()
        self.finisher.poll()

    def recorded(self, *, lasts_s: float = 3.0) -> Alert:
        """A whole alert, from its pre-roll to its stored evidence."""
        self.film(8)
        alert = self.alert()
        self.film(lasts_s)
        alert = self.close(alert)
        self.film(6)
        self.finish()
        return alert

    def record(self, alert: Alert) -> EvidenceRecord:
        return EvidenceRecord.decode(self.client.get(keys.alert_evidence(alert.id)))

    def manifest(self, alert: Alert) -> EvidenceManifest:
        return EvidenceManifest.decode(self.part(alert, "manifest.json"))

    def part(self, alert: Alert, name: str) -> bytes:
        return self.storage.read(stored_name(alert.id, name))

    def scores(self, alert: Alert) -> list[list[float]]:
        rows: list[list[float]] = json.loads(self.part(alert, "scores.json"))["scores"]
        return rows

    def clip_file(self, alert: Alert, folder: Path) -> Path:
        path = folder / "clip.mp4"
        path.write_bytes(self.part(alert, "clip.mp4"))
        return path
