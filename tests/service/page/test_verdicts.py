"""Operators judge alerts on the page: by button, by key, on a phone, with a way back, and seen on every open page."""

from __future__ import annotations

import time

import pytest
from playwright.async_api import Locator, Page, expect
from seeded_world import seeded
from service_world import Serve, Until, World

from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert, AlertState
from patchwatch.messages.alerts.verdict import AlertVerdicts

# How far two colours are apart for the eye: WCAG 2.2, contrast ratio.
CONTRAST = """node => {
  const parts = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const linear = part => part / 255 <= .04045 ? part / 255 / 12.92 : ((part / 255 + .055) / 1.055) ** 2.4;
  const light = text => parts(text).map(linear).reduce((sum, part, at) => sum + part * [.2126, .7152, .0722][at], 0);
  const { color, backgroundColor } = getComputedStyle(node);
  const [low, high] = [light(color), light(backgroundColor)].sort((a, b) => a - b);
  return (high + .05) / (low + .05);
}"""


@pytest.fixture
def where(serve: Serve, settings: Settings, world: World) -> str:
    """The address of a page with three alerts, the newest ``gate-3000``."""
    world.camera()
    for at_ms in (1000, 2000, 3000):
        world.alert(at_ms)
    return f"http://{serve(settings)}/"


def row(page: Page, alert_id: str) -> Locator:
    return page.locator(f"li[data-alert={alert_id}]")


def button(owner: Page | Locator, name: str) -> Locator:
    return owner.get_by_role("button", name=name)


def words(world: World, alert_id: str) -> list[str | None]:
    stored = world.bus.get(keys.alert_verdicts(alert_id))
    return [said.verdict for said in AlertVerdicts.decode(stored).statements] if isinstance(stored, bytes) else []


async def pressed(owner: Locator) -> list[str]:
    return await owner.locator("button[aria-pressed=true]").all_inner_texts()


async def test_a_verdict_is_given_by_button_seen_on_another_page_and_undone(
    page: Page, where: str, world: World
) -> None:
    other = await page.context.new_page()
    for one in (page, other):
        await one.goto(where)
        await expect(one.locator("#link")).to_have_text("live")
        await expect(one.locator("#alerts li")).to_have_count(3)
    await button(row(page, "gate-2000"), "Normal here").click()
    for one in (page, other):
        await expect(row(one, "gate-2000").locator("[aria-pressed=true]")).to_have_text("Normal here")
    await expect(page.locator("#detail")).to_be_hidden()
    await expect(page.locator("#said")).to_contain_text("normal here")
    await expect(button(other, "Undo")).to_be_hidden()
    await button(row(page, "gate-2000"), "Real anomaly").click()
    await expect(row(other, "gate-2000").locator("[aria-pressed=true]")).to_have_text("Real anomaly")
    await button(page, "Undo").click()
    await expect(row(other, "gate-2000").locator("[aria-pressed=true]")).to_have_text("Normal here")
    await expect(button(page, "Undo")).to_be_hidden()
    assert words(world, "gate-2000") == ["normal", "anomaly", "normal"]
    await page.reload()
    await expect(row(page, "gate-2000").locator("[aria-pressed=true]")).to_have_text("Normal here")


async def test_undo_of_the_first_verdict_takes_it_back(page: Page, where: str, world: World) -> None:
    await page.goto(where)
    await button(row(page, "gate-3000"), "Not sure").click()
    await button(page, "Undo").click()
    await expect(page.locator("#said")).to_contain_text("not reviewed again")
    assert await pressed(row(page, "gate-3000")) == []
    assert words(world, "gate-3000") == ["unsure", None]


async def test_keys_choose_and_judge(page: Page, where: str, world: World) -> None:
    await page.goto(where)
    await expect(page.locator("#alerts li")).to_have_count(3)
    await page.keyboard.press("n")  # of none
    for key, chosen in (("j", 3000), ("j", 2000), ("j", 1000), ("j", 1000), ("k", 2000)):
        await page.keyboard.press(key)
        await expect(page.locator("#alerts [aria-current]")).to_have_attribute("data-alert", f"gate-{chosen}")
    for key, text in (("a", "Real anomaly"), ("u", "Not sure"), ("n", "Normal here")):
        await page.keyboard.press(key)
        await expect(row(page, "gate-2000").locator("[aria-pressed=true]")).to_have_text(text)
    await page.keyboard.press("Control+a")
    await page.locator("#of-camera").press("u")
    assert words(world, "gate-2000") == ["anomaly", "unsure", "normal"]
    assert not world.bus.exists(keys.alert_verdicts("gate-3000"))


async def test_what_is_asked_for_in_haste_is_done_in_order(page: Page, where: str, world: World, until: Until) -> None:
    """The way back leads to the verdict before, even if that was not answered yet when the last one was given."""
    await page.goto(where)
    await expect(page.locator("#alerts li")).to_have_count(3)
    press = "key => document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))"
    await page.evaluate(f"[...'jnaun'].forEach({press})")
    await until(lambda: words(world, "gate-3000") == ["normal", "anomaly", "unsure", "normal"])
    await expect(row(page, "gate-3000").locator("[aria-pressed=true]")).to_have_text("Normal here")
    await button(page, "Undo").click()
    await expect(row(page, "gate-3000").locator("[aria-pressed=true]")).to_have_text("Not sure")
    assert words(world, "gate-3000") == ["normal", "anomaly", "unsure", "normal", "unsure"]


async def test_in_the_open_alert_keys_speak_of_it(page: Page, where: str, world: World) -> None:
    await page.goto(where)
    await row(page, "gate-1000").locator(".when").click()
    detail = page.locator("#detail")
    await expect(detail).to_be_visible()
    await page.keyboard.press("j")
    await page.keyboard.press("a")
    await expect(detail.locator("[aria-pressed=true]")).to_have_text("Real anomaly")
    await button(detail, "Normal here").click()
    await expect(row(page, "gate-1000").locator("[aria-pressed=true]")).to_have_text("Normal here")
    assert words(world, "gate-1000") == ["anomaly", "normal"]


async def test_a_note_is_given_with_a_verdict_changed_and_undone(page: Page, where: str) -> None:
    await page.goto(where)
    await row(page, "gate-1000").locator(".when").click()
    detail = page.locator("#detail")
    await detail.locator("#note").fill("the cleaner; n is no key here")
    await button(detail, "Normal here").click()
    await expect(detail.locator(".note")).to_contain_text("the cleaner; n is no key here (operator, ")
    await detail.locator("#note").fill("the new cleaner")
    await detail.locator("#note").press("Enter")
    await expect(row(page, "gate-1000").locator(".note")).to_contain_text("the new cleaner")
    await page.keyboard.press("Escape")
    await expect(detail).to_be_hidden()
    await button(page, "Undo").click()
    await expect(row(page, "gate-1000").locator(".note")).to_contain_text("the cleaner; n is no key")
    await row(page, "gate-2000").locator(".when").click()
    await expect(detail.locator("#note")).to_have_value("")


async def test_what_is_not_reviewed_is_gone_through_with_one_key_each(page: Page, where: str, world: World) -> None:
    await page.goto(where)
    await page.locator("#of-review").select_option("false")
    rows = page.locator("#alerts li")
    await expect(rows).to_have_count(3)
    await page.locator("#of-review").blur()
    await page.keyboard.press("j")
    for left in (2, 1, 0):
        await page.keyboard.press("n")
        await expect(rows).to_have_count(left)
    assert [words(world, f"gate-{at_ms}") for at_ms in (3000, 2000, 1000)] == [["normal"]] * 3
    await button(page, "Undo").click()
    await expect(rows).to_have_attribute("data-alert", "gate-1000")
    await page.locator("#of-review").select_option("true")
    await expect(rows).to_have_count(2)


async def test_what_is_not_reviewed_comes_first_over_pages(page: Page, where: str, world: World) -> None:
    for number in range(60):
        world.alert(10_000 + number)
    await page.goto(where)
    await button(row(page, "gate-10059"), "Normal here").click()
    await expect(row(page, "gate-10059").locator("[aria-pressed=true]")).to_be_visible()
    await page.locator("#of-review").select_option("first")
    rows = page.locator("#alerts li")
    await expect(rows.first).to_have_attribute("data-alert", "gate-10058")
    await expect(rows).to_have_count(50)
    await button(page, "Older alerts").click()
    await expect(rows).to_have_count(63)
    await expect(rows.last).to_have_attribute("data-alert", "gate-10059")
    await button(row(page, "gate-10058"), "Not sure").click()
    await expect(rows.last).to_have_attribute("data-alert", "gate-10058")


async def test_a_change_of_the_alert_keeps_its_verdict(page: Page, where: str, world: World) -> None:
    await page.goto(where)
    await expect(page.locator("#link")).to_have_text("live")
    await button(row(page, "gate-3000"), "Normal here").click()
    await expect(row(page, "gate-3000").locator("[aria-pressed=true]")).to_be_visible()
    world.alert(3000, state=AlertState.CLOSED, ended_at_ms=9000)
    await expect(row(page, "gate-3000").locator(".state")).to_have_text("closed")
    assert await pressed(row(page, "gate-3000")) == ["Normal here"]
    await page.locator("#of-review").select_option("false")
    await expect(page.locator("#alerts li")).to_have_count(2)
    closed = Alert.decode(world.value(keys.alert("gate-3000")))
    world.add(keys.ALERTS, {b"a": closed.model_copy(update={"told": 2}).encode()})
    world.alert(4000)
    await expect(page.locator("#alerts li")).to_have_count(3)
    await expect(row(page, "gate-3000")).to_have_count(0)


async def test_what_cannot_be_saved_is_said(page: Page, where: str, world: World) -> None:
    await page.goto(where)
    await expect(page.locator("#alerts li")).to_have_count(3)
    world.bus.delete(keys.alert("gate-3000"))
    await button(row(page, "gate-3000"), "Normal here").click()
    await expect(page.locator("#said")).to_contain_text("Not saved: there is no alert 'gate-3000'")
    await expect(button(page, "Undo")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
async def test_it_fits_and_can_be_read(
    page: Page, serve: Serve, settings: Settings, world: World, width: int, scheme: str
) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    seeded(world)
    now_ms = time.time_ns() // 1_000_000
    world.alert(now_ms - 90_000)
    world.condition("offline", now_ms - 60_000, detail="no frames since 08:12")
    await page.goto(f"http://{serve(settings)}/")
    await button(row(page, f"gate-{now_ms - 90_000}"), "Real anomaly").click()
    await button(row(page, f"gate-offline-{now_ms - 60_000}"), "Normal here").click()
    await expect(page.locator("#said")).to_contain_text("normal here")
    await expect(page.locator("[aria-pressed=true]")).to_have_count(2)
    share = page.locator("article[data-camera=gate] .facts")
    await expect(share).to_contain_text("1 of 2 judged alerts were real anomalies")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
    for one in await page.locator("#alerts .verdicts button").all():
        assert await one.evaluate(CONTRAST) >= 4.5
        height = await one.evaluate("node => node.getBoundingClientRect().height")
        assert height >= (44 if width == 390 else 24), "a finger finds it"
    await page.keyboard.press("j")
    await expect(page.locator("#alerts [aria-current]")).to_have_count(1)
