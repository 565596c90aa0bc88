"""The status of a camera says which of its contexts the picture shows, once it has for a while."""

from __future__ import annotations

from yard import day_and_night, engine, picture, seen

from patchwatch.bus.clock import BusClock
from patchwatch.messages.cameras.camera import Camera
from workers.inference.alerts import AnomalyAlert, ConditionAlerts
from workers.inference.camera_bank import CameraBank


def test_the_status_follows_the_light_but_not_its_flicker() -> None:
    now_ns = [0]
    camera_bank = CameraBank(
        Camera(id="cam", false_alarms_per_day=4.0), AnomalyAlert(), ConditionAlerts(),
        BusClock(lambda: now_ns[0], lambda: now_ns[0]),
    )  # fmt: skip
    camera_bank._false_alarms_per_day = 4.0
    camera_bank.use(engine(), day_and_night())
    told = []
    for second in range(60):
        now_ns[0] = second * 1_000_000_000
        infrared = second >= 30 or second == 15
        assert camera_bank.scorer is not None
        camera_bank.scorer.score(seen(picture(9800 + second, infrared=infrared)), float(second))
        camera_bank.update_context()
        assert camera_bank.status is not None
        told.append(camera_bank.status.context)
    assert camera_bank.status is not None
    assert set(camera_bank.status.contexts) == {"infrared", "colour"}
    assert list(dict.fromkeys(told)) == [None, "colour", "infrared"]
    assert told.index("infrared") >= 40
