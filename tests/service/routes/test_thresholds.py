"""The alarm budget of a camera, and what it means."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from service_world import World

from patchwatch.bus import keys
from patchwatch.messages.cameras.camera import Camera


def threshold(per_day: float, on: float, warning: str | None = None) -> dict[str, Any]:
    return {
        "false_alarms_per_day": per_day, "on": on, "off": 0.75 * on, "on_low": on - 0.1, "on_high": on + 0.1,
        "expected": per_day, "expected_low": per_day / 4, "expected_high": per_day * 4, "footage_hours": 0.2,
        "extrapolation": 24 / per_day / 0.2, "supported": warning is None, "warning": warning,
        "provisional": False,
    }  # fmt: skip


async def test_the_status_and_the_thresholds_show_the_threshold_of_the_budget(
    api: httpx.AsyncClient, world: World
) -> None:
    world.camera()
    now, curve = threshold(4.0, 0.5), [threshold(24.0, 0.4), threshold(1.0, 0.6, "enrol more")]
    world.analysis(threshold_on=0.5, threshold=now, thresholds=curve)
    assert (await api.get("/api/v1/cameras/gate/status")).json()["analysis"]["threshold"] == now
    answer = (await api.get("/api/v1/cameras/gate/thresholds")).json()
    assert answer == {"camera_id": "gate", "threshold": now, "thresholds": curve}


async def test_a_camera_without_a_bank_has_no_thresholds_yet(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    answer = (await api.get("/api/v1/cameras/gate/thresholds")).json()
    assert answer == {"camera_id": "gate", "threshold": None, "thresholds": []}
    assert (await api.get("/api/v1/cameras/none/thresholds")).status_code == 404


async def test_the_budget_is_changed_without_a_new_capture(api: httpx.AsyncClient, world: World) -> None:
    made = await api.post("/api/v1/cameras", json={"id": "gate", "false_alarms_per_day": 24})
    assert made.json()["false_alarms_per_day"] == 24
    before = Camera.decode(world.field(keys.CAMERAS, "gate"))
    looked = int(world.value(keys.CAMERAS_REVISION))
    changed = await api.patch("/api/v1/cameras/gate", json={"false_alarms_per_day": 1})
    assert changed.json() == made.json() | {"false_alarms_per_day": 1}, "the revision stays"
    after = Camera.decode(world.field(keys.CAMERAS, "gate"))
    assert after.captures_like(before)
    assert int(world.value(keys.CAMERAS_REVISION)) == looked + 1, "the workers look again"
    default = await api.patch("/api/v1/cameras/gate", json={"false_alarms_per_day": None})
    assert default.json()["false_alarms_per_day"] is None


@pytest.mark.parametrize("per_day", [0, -1, 1e-320, 1001])
async def test_an_impossible_budget_is_refused(api: httpx.AsyncClient, world: World, per_day: float) -> None:
    world.camera()
    answer = await api.patch("/api/v1/cameras/gate", json={"false_alarms_per_day": per_day})
    assert answer.status_code == 422
    assert "false_alarms_per_day" in answer.text


def test_a_camera_stored_before_budgets_were_known_is_read() -> None:
    stored = Camera.decode(b'{"version": 1, "id": "gate", "source": "push:", "revision": 3}')
    assert stored.false_alarms_per_day is None
    assert stored.captures_like(stored.model_copy(update={"false_alarms_per_day": 2.0}))
    assert not stored.captures_like(stored.model_copy(update={"name": "x"}))
    assert not stored.captures_like(None)
