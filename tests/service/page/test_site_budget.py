"""The page sets the site's budget, says what a camera has of it, and shows the report on its last days."""

from __future__ import annotations

import json

from playwright.async_api import Page, expect
from seeded_world import seeded
from service_world import Serve, World

from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.budget import Allotment


async def test_the_site_budget_is_set_and_the_report_is_unfolded(
    page: Page, serve: Serve, settings: Settings, world: World
) -> None:
    seeded(world)
    world.camera("gate", allotment=Allotment(per_day=1.4, share=1.0, level_per_day=1.4))
    await page.goto(f"http://{serve(settings)}/")
    entry = page.locator("#site-budget input")
    await expect(entry).to_have_value("")
    await entry.fill("6")
    await entry.press("Enter")
    await expect(page.locator("#site-budget span")).to_contain_text("6 false alarms a day, shared by")
    assert json.loads(world.value(keys.SITE_BUDGET))["per_day"] == 6
    gate = page.locator("article[data-camera=gate]")
    await expect(gate.locator(".budget")).to_contain_text("0.4 is lent by cameras that were calm")
    await gate.locator(".report summary").click()
    await expect(gate.locator(".report li")).to_have_count(6)
    await expect(gate.locator(".report li").last).to_contain_text("next: ")
    await entry.fill("")
    await entry.press("Enter")
    await expect(page.locator("#site-budget span")).to_have_text("")
