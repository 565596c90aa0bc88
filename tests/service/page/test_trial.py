"""Another alarm budget is tried on the past in the page, and then saved."""

from __future__ import annotations

import threading
from typing import Any

from playwright.async_api import Page, expect
from service_world import Serve, World
from waiting import wait_until

from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.what_if import Basis, WhatIf, WhatIfAnswer, WhatIfEvent, WhatIfOrder

GONE = WhatIfEvent(
    started_at_ms=1_795_860_000_000, opened_at_ms=1_795_860_000_200, peak_at_ms=1_795_860_000_400,
    ended_at_ms=1_795_860_001_000, peak_score=0.7, stream="motion", alert_id="gate-1795860000000",
)  # fmt: skip
ANSWER = WhatIf(
    basis=Basis.SCORES, before=3, after=2, fewer_count=1, more_count=0, fewer=(GONE,), from_ms=1_795_850_000_000,
    to_ms=1_795_870_000_000, seconds=20_000.0, frames=100_000, exact=False, notes=("2 scores cannot be read",),
)  # fmt: skip


def threshold() -> dict[str, Any]:
    return {
        "false_alarms_per_day": 4.0, "on": 0.6, "off": 0.45, "on_low": 0.5, "on_high": 0.7, "expected": 4.0,
        "expected_low": 1.0, "expected_high": 16.0, "footage_hours": 2.0, "extrapolation": 3.0, "supported": True,
        "warning": None, "provisional": False,
    }  # fmt: skip


async def test_a_budget_is_tried_on_the_past_and_saved(
    page: Page, serve: Serve, settings: Settings, world: World
) -> None:
    world.camera()
    world.capture()
    world.analysis(threshold=threshold())
    asked: list[WhatIfOrder] = []

    def work() -> None:
        taken = wait_until(lambda: world.bus.lpop(keys.WHAT_IF_ORDERS))
        assert isinstance(taken, bytes)
        asked.append(WhatIfOrder.decode(taken))
        world.bus.rpush(keys.what_if_answer(asked[0].token), WhatIfAnswer(what_if=ANSWER).encode())

    worker = threading.Thread(target=work)
    worker.start()
    await page.goto(f"http://{serve(settings)}/")
    await page.locator("article[data-camera=gate] .try-budget").click()
    await expect(page.locator("#trial-budget")).to_have_value("4")
    await expect(page.locator("#trial-save")).to_be_disabled()
    await page.locator("#trial-budget").fill("1")
    await page.get_by_role("button", name="Try it on the past").click()
    await expect(page.locator("#trial-answer")).to_have_text("1 alert fewer in 5.6 h of scores: 2 instead of 3.")
    await expect(page.locator("#trial-lists h3")).to_have_text(["Would be gone"])
    link = page.locator("#trial-lists a")
    assert await link.get_attribute("href") == "#alert=gate-1795860000000"
    await expect(page.locator("#trial-notes")).to_contain_text("2 scores cannot be read.")
    assert Camera.decode(world.field(keys.CAMERAS, "gate")).false_alarms_per_day is None, "nothing is changed yet"
    await page.locator("#trial-save").click()
    await expect(page.locator("#trial")).to_be_hidden()
    assert Camera.decode(world.field(keys.CAMERAS, "gate")).false_alarms_per_day == 1.0
    worker.join(timeout=15)
    assert asked[0].change.change == "budget"
