"""The page in a real browser, on a real server."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from patchwatch import keys
from patchwatch.settings import Settings

pytestmark = pytest.mark.browser
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        page = await browser.new_page(viewport={"width": 1280, "height": 760})
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: _own(request.url, faults))
        yield page
        await browser.close()
        assert faults == []


def _own(url: str, faults: list[str]) -> None:
    if "127.0.0.1" not in url and not url.startswith(("blob:", "data:")):
        faults.append(f"asks another host: {url}")


def _seed(world) -> int:
    now_ms = time.time_ns() // 1_000_000
    world.camera(name="Back gate")
    world.camera("yard", source="rtsp://u:hunter2@camera.example/yard")
    world.capture(captured=300, codec="h264")
    world.analysis(random_weights=True)
    for number in range(300):
        value = 0.25 + 0.15 * math.sin(number / 9) + (0.5 if 220 < number < 250 else 0)
        world.score(now_ms - (300 - number) * 400, value=value, seq=number + 1, random_weights=True)
    world.frame(300)
    world.commit(300, [[300, 80, 380, 300, "person", 0.9]], {"scored": 300})
    world.alert(now_ms - 32_000)
    world.bus.set(keys.alert_picture(f"gate-{now_ms - 32_000}"), world.picture)
    return now_ms


async def test_the_page_shows_cameras_score_lines_and_alerts_live(
    page: Page, serve, settings: Settings, world, tmp_path: Path
) -> None:
    now_ms = _seed(world)
    await page.goto(f"http://{serve(settings)}/")
    gate = page.locator("article[data-camera=gate]")
    await expect(gate.locator("h3")).to_have_text("Back gate (gate)")
    await expect(gate.locator(".health")).to_have_text("ok")
    await expect(gate.locator(".random")).to_be_visible()
    await expect(gate.locator("img")).to_be_visible()
    await expect(page.locator("article[data-camera=yard] .reason")).to_contain_text("patchwatch run ingest")
    await expect(page.locator("#alerts li")).to_have_count(1)
    await expect(page.locator("#link")).to_have_text("live")
    await expect(gate.locator("canvas")).to_have_attribute("data-points", "300")
    drawn = "c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size"
    assert await gate.locator("canvas").evaluate(drawn) > 3, "a line, a threshold and a grid"

    world.score(now_ms + 100, value=0.42, seq=301)
    world.alert(now_ms, peak_score=0.77)
    await expect(gate.locator(".score")).to_have_text("0.42")
    await expect(page.locator("#alerts li")).to_have_count(2)
    await expect(page.locator("#alerts li").first).to_contain_text("peak 0.77")
    await page.screenshot(path=tmp_path / "page.png")


async def test_the_page_asks_for_the_token(page: Page, serve, settings: Settings, world) -> None:
    world.camera()
    guarded = Settings(redis_url=settings.redis_url, api_token="s3cret")
    await page.goto(f"http://{serve(guarded)}/")
    await page.get_by_label("Token").fill("wrong")
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_label("Token").fill("s3cret")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.locator("article[data-camera=gate]")).to_be_visible()
    await expect(page.locator("#link")).to_have_text("live")


async def test_the_page_follows_again_after_the_service_was_away(page: Page, serve, settings: Settings, world) -> None:
    where = serve(settings)
    await page.goto(f"http://{where}/")
    await expect(page.locator("#link")).to_have_text("live")
    await page.context.set_offline(True)
    await expect(page.locator("#fault")).to_be_visible()
    await page.context.set_offline(False)
    await expect(page.locator("#fault")).to_be_hidden(timeout=20_000)
    world.alert(1000)
    await expect(page.locator("#alerts li")).to_have_count(1)
