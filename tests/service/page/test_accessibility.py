"""Every page can be used by everybody: axe finds nothing, in light and in dark, on a desk and on a phone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from busy_night import busy_night
from playwright.async_api import Page, expect
from service_world import Serve, World

from patchwatch.contract.settings import Settings

PAGES = {
    "": ".camera",
    "review": ".large-picture img",
    "cameras": ".camera-list li",
    "cameras/gate": ".zone-rows li",
    "health": ".verdict-line",
    "notifications": ".panel summary",
    "users": ".panel summary",
}
AXE = Path(AXE_FILE_PATH).read_text(encoding="utf-8")
ZONE = {"name": "porch", "kind": "zone", "points": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}


def told(violations: list[dict[str, Any]]) -> list[str]:
    return [
        f"{found['id']}: {node['html'][:120]} {node['failureSummary']}"
        for found in violations
        for node in found["nodes"][:3]
    ]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
async def test_axe_finds_nothing_on_any_page(
    page: Page, serve: Serve, settings: Settings, world: World, width: int, scheme: str
) -> None:
    busy_night(world, time.time_ns() // 1_000_000 - 3_600_000)
    world.camera("gate", name="Back gate", zones=[ZONE])
    world.frame(1)
    await page.set_viewport_size({"width": width, "height": 800})
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    where = f"http://{serve(settings)}/"
    found: dict[str, list[str]] = {}
    for path, shows in PAGES.items():
        await page.goto(f"{where}#/{path}")
        await expect(page.locator(f".view:not([hidden]) {shows}").first).to_be_visible()
        await page.evaluate(AXE)
        answer = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        found[path] = told(answer["violations"])
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path}: it sticks out"
    assert found == {path: [] for path in PAGES}
