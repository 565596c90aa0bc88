"""A browser's page that fails on errors of its scripts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import parts
import pytest
from playwright.async_api import Page, async_playwright

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    parts.need("browser")  # first, as playwright's own driver does not run on every bare machine either
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=parts.chromium(), args=ARGUMENTS)
        context = await browser.new_context(viewport={"width": 1280, "height": 760})
        page = await context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: _own(request.url, faults))
        yield page
        await browser.close()
        assert faults == []


def _own(url: str, faults: list[str]) -> None:
    if "127.0.0.1" not in url and not url.startswith(("blob:", "data:")):
        faults.append(f"asks another host: {url}")
