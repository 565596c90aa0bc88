"""A world with everything that the page shows."""

from __future__ import annotations

import math
import time

from service_world import World

from patchwatch.bus import keys
from patchwatch.messages.banks.enrolment import Enrolment, EnrolmentState
from patchwatch.messages.banks.enrolment_report import EnrolmentReport, Sufficiency


def seeded(world: World) -> int:
    """Two cameras, one of them scored; returns the present time, in Unix milliseconds."""
    now_ms = time.time_ns() // 1_000_000
    world.camera(name="Back gate")
    world.camera("yard", source="rtsp://u:hunter2@camera.example/yard")
    world.capture(captured=300, codec="h264")
    budget = {"false_alarms_per_day": 4, "on": 0.6, "off": 0.4, "on_low": 0.5, "on_high": 0.7, "expected": 6.4}
    budget |= {"expected_low": 1.2, "expected_high": 11.3, "footage_hours": 0.2, "extrapolation": 9, "supported": False}
    world.analysis(random_weights=True, bank_id="b7", threshold=budget | {"warning": "enrol"})
    _enrol(world)
    for number in range(300):
        value = 0.25 + 0.15 * math.sin(number / 9) + (0.5 if 220 < number < 250 else 0)
        world.score(now_ms - (300 - number) * 400, value=value, seq=number + 1, random_weights=True)
    world.frame(300)
    world.commit(300, [[300, 80, 380, 300, "person", 0.9]], {"scored": 300})
    world.alert(now_ms - 32_000)
    world.bus.set(keys.alert_picture(f"gate-{now_ms - 32_000}"), world.picture)
    return now_ms


def _enrol(world: World) -> None:
    report = EnrolmentReport(
        seconds=9.8, frames=50, segments=2, verdict=Sufficiency.TOO_SHORT, next_step="enrol ten minutes", streams=()
    )
    done = Enrolment(
        id="e1", camera_id="gate", profile="motion", state=EnrolmentState.DONE, bank_id="b7", report=report,
        created_at_ms=1, updated_at_ms=2,
    )  # fmt: skip
    later = {"id": "e2", "state": EnrolmentState.FAILED, "detail": "it is dark", "created_at_ms": 3}
    for record in (done, done.model_copy(update=later)):
        world.bus.hset(keys.ENROLMENT_RECORDS, record.id, record.encode())
        world.bus.hset(keys.ENROLMENTS_LATEST, "gate", record.id)
