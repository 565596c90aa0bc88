"""A site for the upkeep: cameras with hours of scores, alerts and verdicts, as other workers would have left them."""

from __future__ import annotations

from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert, AlertKind, AlertState
from patchwatch.messages.cameras.analysis_status import AnalysisState, AnalysisStatus, OpenCondition
from patchwatch.messages.cameras.budget import SiteBudget
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.drift import Drift
from patchwatch.messages.cameras.quiet_hour import HOUR_MS, QuietHour
from patchwatch.messages.frames.score import Score, ScoreMinute, StreamReading
from workers.enrolment.upkeep.hours import stored_hours
from workers.enrolment.upkeep.upkeep import UNIT, Upkeep
from workers.runtime.leases import Lease

NOON_MS = 1_800_000_000_000 // HOUR_MS * HOUR_MS  # the beginning of some hour
DAY_MS = 24 * HOUR_MS


class UpkeepSite:
    """Time stands still, but for the caller's: ``now_ms`` is given to what is done."""

    def __init__(self, client: Any, settings: Settings) -> None:
        self.client, self.settings = client, settings
        client.set(UNIT.lease, "w:1")
        client.set(UNIT.fence, 1)
        self.lease = Lease(UNIT, b"w:1")
        self.upkeep = Upkeep(settings, client, lambda: b"w:1")

    def keys_of(self, camera_id: str) -> CameraKeys:
        return CameraKeys.for_camera(camera_id, self.settings.partitions)

    def camera(
        self, camera_id: str = "cam", bank_id: str | None = "b1", condition: OpenCondition | None = None, **fields: Any
    ) -> None:
        known = {"self_arm": False, **fields}
        camera = Camera.model_validate({"id": camera_id, **known})
        self.client.hset(keys.CAMERAS, camera_id, camera.encode())
        status = AnalysisStatus(
            camera_id=camera_id, state=AnalysisState.SCORING, profile="motion", bank_id=bank_id, condition=condition,
            updated_at_ms=1,
        )  # fmt: skip
        self.client.set(self.keys_of(camera_id).analysis, status.encode())

    def cameras(self) -> dict[str, Camera]:
        stored = map(Camera.decode, self.client.hgetall(keys.CAMERAS).values())
        return {camera.id: camera for camera in stored}

    def per_day(self) -> dict[str, float | None]:
        cameras = self.cameras().values()
        return {one.id: round(one.allotment.per_day, 3) if one.allotment else None for one in cameras}

    def budget(self, per_day: float | None) -> None:
        self.client.set(keys.SITE_BUDGET, SiteBudget(per_day=per_day).encode())

    def score(self, at_ms: int, rarity: float, camera_id: str = "cam") -> None:
        score = Score(1, at_ms * 1_000_000, at_ms * 1_000_000, 0.1, 0.1, (StreamReading("motion", rarity),), None, None)
        fields: dict[Any, Any] = dict(score.encode())
        self.client.xadd(self.keys_of(camera_id).scores, fields, id=f"{at_ms}-0")

    def minute(self, minute_ms: int, camera_id: str = "cam") -> None:
        fields: dict[Any, Any] = dict(ScoreMinute(minute_ms, 1, 0.1, 0.1).encode())
        self.client.xadd(self.keys_of(camera_id).minutes, fields, id=f"{minute_ms + 59_000}-0")

    def hour(self, hour_ms: int, share: float, camera_id: str = "cam", bank_id: str = "b1", **fields: Any) -> None:
        known: dict[str, Any] = {"minutes": 60, "level_per_day": 2.0, "rare": {"motion": round(100 * share)}, **fields}
        hour = QuietHour(hour_ms=hour_ms, samples=100, bank_id=bank_id, **known)
        entry: dict[Any, Any] = dict(hour.fields())
        self.client.xadd(self.keys_of(camera_id).hours, entry, id=hour.entry_id)

    def hours(self, camera_id: str = "cam") -> list[QuietHour]:
        return stored_hours(self.client, self.keys_of(camera_id))

    def alert(self, started_ms: int, ended_ms: int | None = None, camera_id: str = "cam", **fields: Any) -> str:
        known = {"kind": AlertKind.ANOMALY, "peak_score": 0.9, "threshold": 0.6, "profile": "motion", **fields}
        alert = Alert.model_validate(
            {
                "id": f"{camera_id}-{started_ms}", "camera_id": camera_id, "started_at_ms": started_ms,
                "state": AlertState.OPEN if ended_ms is None else AlertState.CLOSED, "opened_at_ms": started_ms,
                "peak_at_ms": started_ms, "ended_at_ms": ended_ms, **known,
            }
        )  # fmt: skip
        self.client.set(keys.alert(alert.id), alert.encode())
        self.client.zadd(keys.ALERTS_BY_TIME, {alert.id: started_ms})
        return alert.id

    def drift(self, camera_id: str = "cam") -> Drift | None:
        data = self.client.hget(keys.DRIFTS, camera_id)
        return Drift.decode(data) if data else None

    def announced(self) -> list[Alert]:
        return [Alert.decode(fields[b"a"]) for _, fields in self.client.xrange(keys.ALERTS)]

    def sum_up(self, now_ms: int) -> None:
        self.upkeep.sum_up(self.lease, now_ms)

    def share(self, now_ms: int) -> None:
        self.upkeep.share_budget(self.lease, now_ms)
