"""A browser's page that fails on errors of its scripts. All tests here share the browser, and each has a context of its
own, with cookies, storage and cache apart."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import parts
import pytest
import pytest_asyncio
from chromium import ARGUMENTS
from folder_lifetime import of_folder_in_loop
from playwright.async_api import Browser, Page, async_playwright, expect

from service import examination

_FOLDER = Path(__file__).parent
_PATIENCE_MS = 60_000  # a busy machine decides nothing
expect.set_options(timeout=_PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is shared lives in one event loop, and so do the tests that use it."""
    for item in items:
        if item.path.is_relative_to(_FOLDER) and "page" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@asynccontextmanager
async def _chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=parts.chromium(), args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(request: pytest.FixtureRequest) -> AsyncIterator[Page]:
    parts.need("browser")  # first, as playwright's own driver does not run on every bare machine either
    browser = await of_folder_in_loop(request, _FOLDER, _chromium)
    context = await browser.new_context(viewport={"width": 1280, "height": 760})
    context.set_default_timeout(_PATIENCE_MS)  # of what is clicked, filled and opened
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: _own(request.url, faults))
    yield page
    await context.close()
    assert faults == []


@pytest.fixture(autouse=True)
def _no_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page shows what the doctor finds; that he finds it is tested beside his route."""

    async def answer_of(*asked: object, **limits: object) -> bytes:
        findings = [
            {"level": "ok", "check": "redis", "text": "answers"},
            {"level": "warn", "check": "memory", "text": "the disk will be full: make room"},
        ]
        return json.dumps({"ok": True, "findings": findings}).encode()

    monkeypatch.setattr(examination, "answer_of", answer_of)


def _own(url: str, faults: list[str]) -> None:
    if "127.0.0.1" not in url and not url.startswith(("blob:", "data:")):
        faults.append(f"asks another host: {url}")
