"""A page that is left open: what it asks for, and that nothing of it grows. Counted by looks, not by minutes."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from busy_night import CAMERAS, busy_night
from playwright.async_api import Page, expect
from service_world import Serve, World

from patchwatch.contract.settings import Settings

NODES = "document.getElementsByTagName('*').length"
COUNT_URLS = """() => {
    window.kept = 0;
    const [make, drop] = [URL.createObjectURL, URL.revokeObjectURL];
    URL.createObjectURL = (blob) => (kept += 1, make.call(URL, blob));
    URL.revokeObjectURL = (url) => (kept -= 1, drop.call(URL, url));
}"""


async def listening(page: Page) -> int:
    """How many listeners there are once garbage is collected."""
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")
    await session.send("HeapProfiler.collectGarbage")
    metrics = (await session.send("Performance.getMetrics"))["metrics"]
    await session.detach()
    return int(next(metric["value"] for metric in metrics if metric["name"] == "JSEventListeners"))


async def test_an_open_page_asks_little_and_does_not_grow(
    page: Page, serve: Serve, settings: Settings, world: World
) -> None:
    busy_night(world, time.time_ns() // 1_000_000 - 3_600_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.add_init_script(f"({COUNT_URLS})()")
    world.frame(1, "gate")
    await page.goto(f"http://{serve(settings)}/")
    seen = page.locator("article[data-camera=dock] img")

    async def shown(seq: int) -> None:
        before = await seen.get_attribute("src")
        for camera_id in CAMERAS:
            world.frame(seq, camera_id)
        deadline_s = time.monotonic() + 60
        while before == await seen.get_attribute("src"):
            assert time.monotonic() < deadline_s
            await asyncio.sleep(0.05)

    await shown(2)
    await expect(page.locator("#alerts li")).to_have_count(40)
    await expect(page.locator("#alerts li img:not([hidden])").first).to_be_visible()
    await shown(3)
    nodes, kept, requests = await page.evaluate(NODES), await page.evaluate("kept"), len(asked)
    listeners = await listening(page)
    began_s = time.monotonic()
    for seq in range(4, 14):
        await shown(seq)
    passed_s = time.monotonic() - began_s
    more: Any = [url for url in asked[requests:] if not url.startswith(("blob:", "data:"))]
    assert len(more) <= 2 + 2 * passed_s / 3, "cameras and states every three seconds: pictures and scores are pushed"
    assert not any("snapshot" in url for url in more)
    assert await page.evaluate(NODES) == nodes
    assert await listening(page) <= listeners + len(CAMERAS), "no picture leaves a listener behind"
    assert await page.evaluate("kept") <= kept + len(CAMERAS), "pictures that were shown are given back"
