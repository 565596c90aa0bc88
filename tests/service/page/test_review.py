"""A night is reviewed in the page: one key for each alert, and the next one is there already."""

from __future__ import annotations

import re
import time
from pathlib import Path

from busy_night import ALERTS, busy_night
from playwright.async_api import Page, expect
from service_world import Serve, World

from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.verdict import AlertVerdicts


async def test_forty_alerts_are_judged_with_forty_keys(
    page: Page, serve: Serve, settings: Settings, world: World, tmp_path: Path
) -> None:
    ids = busy_night(world, time.time_ns() // 1_000_000 - 6 * 3_600_000)
    await page.goto(f"http://{serve(settings)}/#/review")
    view = page.locator("#view-review")
    shown = view.locator(".large-picture")
    progress = view.locator(".progress-text")
    await expect(progress).to_have_text(f"0 of {ALERTS} reviewed.")
    await expect(view.locator(".lane:not(.axis)")).to_have_count(12)
    await expect(view.locator(".mark")).to_have_count(ALERTS)
    await expect(shown).to_have_attribute("data-alert", ids[0])
    assert await shown.evaluate("node => node.clientWidth") > 500, "large enough to judge"
    await page.screenshot(path=tmp_path / "review.png")
    for number, alert_id in enumerate(ids):
        await expect(shown).to_have_attribute("data-alert", alert_id)
        await page.keyboard.press("n" if number % 4 else "a")
        await expect(progress).to_have_text(f"{number + 1} of {ALERTS} reviewed.")
    said = [AlertVerdicts.decode(world.value(keys.alert_verdicts(alert_id))).current for alert_id in ids]
    assert [word.verdict for word in said if word] == ["normal" if n % 4 else "anomaly" for n in range(ALERTS)]
    await page.keyboard.press("z")  # and one is taken back
    await expect(progress).to_have_text(f"{ALERTS - 1} of {ALERTS} reviewed.")
    await expect(shown).to_have_attribute("data-alert", ids[-1])


async def test_what_is_chosen_is_in_the_address_and_a_link_leads_back_to_it(
    page: Page, serve: Serve, settings: Settings, world: World
) -> None:
    began_ms = time.time_ns() // 1_000_000 - 50 * 3_600_000
    ids = busy_night(world, began_ms)
    where = f"http://{serve(settings)}/"
    await page.goto(f"{where}#/review?alert={ids[5]}")  # of the day before yesterday
    view = page.locator("#view-review")
    await expect(view.locator(".large-picture")).to_have_attribute("data-alert", ids[5])
    await expect(view.locator(".alert-list [aria-current]")).to_be_in_viewport()
    await page.keyboard.press("j")
    await expect(page).to_have_url(re.compile(f"alert={ids[6]}"))
    await view.get_by_role("combobox", name="Zone").select_option("porch")
    await expect(view.locator(".alert-list li")).to_have_count(14)
    await expect(page).to_have_url(re.compile("zone=porch"))
    await view.get_by_role("combobox", name="Camera").select_option("gate")
    await expect(view.locator(".alert-list li")).to_have_count(4)
    await page.go_back()
    await expect(view.locator(".alert-list li")).to_have_count(14)
    await page.get_by_role("button", name="Share link").click()
    await expect(view.get_by_label("Link to this alert").or_(view.get_by_text("The link is copied"))).to_be_visible()
    await page.get_by_role("link", name="Live").click()
    await expect(page.locator("#view-live")).to_be_visible()
    await page.go_back()
    await expect(view).to_be_visible()
    await expect(view.locator(".alert-list li")).to_have_count(14)


async def test_several_alerts_are_judged_together_and_taken_back_together(
    page: Page, serve: Serve, settings: Settings, world: World
) -> None:
    ids = busy_night(world, time.time_ns() // 1_000_000 - 6 * 3_600_000)
    await page.set_viewport_size({"width": 390, "height": 800})
    await page.goto(f"http://{serve(settings)}/#/review")
    view = page.locator("#view-review")
    together = view.get_by_role("region", name="Several at once")
    progress = view.locator(".progress-text")
    await expect(view.locator(".large-picture")).to_have_attribute("data-alert", ids[0])
    await together.get_by_role("button", name="All like this").click()
    alike = [alert_id for alert_id in ids if alert_id.startswith(ids[0].rpartition("-")[0])]
    await expect(together).to_contain_text(f"{len(alike)} selected")
    other = next(alert_id for alert_id in ids if alert_id not in alike)
    await view.locator(f".alert-list li[data-alert={other}] input").check()
    await together.get_by_role("button", name="Normal here").click()
    await expect(progress).to_have_text(f"{len(alike) + 1} of {ALERTS} reviewed.")
    await expect(page.locator("#said")).to_contain_text(f"{len(alike) + 1} alerts: normal here")
    await expect(view.locator(".large-picture")).not_to_have_attribute("data-alert", ids[0])
    said = [AlertVerdicts.decode(world.value(keys.alert_verdicts(one))).current for one in (*alike, other)]
    assert {word.verdict for word in said if word} == {"normal"}
    await page.get_by_role("button", name="Undo").click()
    await expect(progress).to_have_text(f"0 of {ALERTS} reviewed.")
    await expect(page.get_by_role("button", name="Undo")).to_be_hidden()
