"""The page in a real browser, on a real server."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from patchwatch import keys
from patchwatch.messages.enrolment_report import EnrolmentReport, Verdict
from patchwatch.messages.status import Enrolment, EnrolmentState
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
    budget = {"false_alarms_per_day": 4, "on": 0.6, "off": 0.4, "on_low": 0.5, "on_high": 0.7, "expected": 6.4}
    budget |= {"expected_low": 1.2, "expected_high": 11.3, "footage_hours": 0.2, "extrapolation": 9, "supported": False}
    world.analysis(random_weights=True, bank_id="b7", threshold=budget | {"warning": "enrol"})
    _enrol(world)
    for number in range(300):
        value = 0.25 + 0.15 * math.sin(number / 9) + (0.5 if 220 < number < 250 else 0)
        world.score(now_ms - (300 - number) * 400, value=value, seq=number + 1, random_weights=True)
    world.frame(300)
    world.commit(300, [[300, 80, 380, 300, "person", 0.9]], {"scored": 300})
    world.alert(now_ms - 32_000)
    world.bus.set(keys.alert_picture(f"gate-{now_ms - 32_000}"), world.picture)
    return now_ms


def _enrol(world) -> None:
    report = EnrolmentReport(
        seconds=9.8, frames=50, segments=2, verdict=Verdict.TOO_SHORT, next_step="enrol ten minutes", streams=()
    )
    done = Enrolment(
        id="e1", camera_id="gate", profile="motion", state=EnrolmentState.DONE, bank_id="b7", report=report,
        created_at_ms=1, updated_at_ms=2,
    )  # fmt: skip
    later = {"id": "e2", "state": EnrolmentState.FAILED, "detail": "it is dark", "created_at_ms": 3}
    for record in (done, done.model_copy(update=later)):
        world.bus.hset(keys.ENROLMENT_RECORDS, record.id, record.encode())
        world.bus.hset(keys.ENROLMENTS_LATEST, "gate", record.id)


async def test_the_page_shows_cameras_score_lines_and_alerts_live(
    page: Page, serve, settings: Settings, world, tmp_path: Path
) -> None:
    now_ms = _seed(world)
    await page.goto(f"http://{serve(settings)}/")
    gate = page.locator("article[data-camera=gate]")
    await expect(gate.locator("h3")).to_have_text("Back gate (gate)")
    await expect(gate.locator(".health")).to_have_text("ok")
    await expect(gate.locator(".random")).to_be_visible()
    told = "enrol (alerts above 0.60)"
    await expect(gate.locator(".budget.warned")).to_have_text(told)
    await expect(page.locator("article[data-camera=yard] .budget")).to_be_hidden()
    await expect(gate.locator("img")).to_be_visible()
    await expect(gate.locator(".learnt")).to_have_text("normal learnt from 10 s of footage: too little")
    await expect(gate.locator(".learnt")).to_have_attribute("title", "enrol ten minutes")
    await expect(gate.locator(".enrolment")).to_have_text("the last enrolment failed: it is dark")
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


async def test_an_alert_says_why_when_it_is_clicked(
    page: Page, serve, settings: Settings, world, tmp_path: Path
) -> None:
    _seed(world)
    now_ms = time.time_ns() // 1_000_000
    world.alert(now_ms, peak_score=0.9)
    alert_id = f"gate-{now_ms}"
    world.bus.set(keys.alert_picture(alert_id), world.picture)
    world.bus.set(keys.alert_explanation(alert_id), world.explanation().encode())
    await page.goto(f"http://{serve(settings)}/")
    detail = page.locator("#detail")
    await page.locator(f"li[data-alert={alert_id}]").click()
    await expect(detail.locator("h2")).to_have_text("Alert of gate")
    await expect(detail.locator("#detail-picture .overlaid rect")).to_have_attribute("width", "100")
    await expect(detail.locator("section h3")).to_have_text(["motion: 75 %", "local: nothing to say"])
    share = "bar => bar.firstChild.getBoundingClientRect().width / bar.getBoundingClientRect().width"
    assert abs(await detail.locator(".bar").evaluate(share) - 0.75) < 0.01
    figures = detail.locator("figure")
    await expect(figures).to_have_count(2)
    await expect(figures.nth(0)).to_contain_text("monday.mp4, at 0:00:12.4")
    assert await figures.nth(0).locator("img").evaluate("async img => (await img.decode(), img.naturalWidth)") == 320
    await expect(figures.nth(1)).to_contain_text("no thumbnail kept")
    await page.screenshot(path=tmp_path / "detail.png")
    await page.keyboard.press("Escape")
    await expect(detail).to_be_hidden()
    await page.locator(f"li[data-alert={alert_id}] .why").click()
    await expect(detail).to_be_visible()


async def test_an_alert_without_explanation_says_so(page: Page, serve, settings: Settings, world) -> None:
    world.camera()
    world.alert(1000)
    await page.goto(f"http://{serve(settings)}/")
    await page.locator("li[data-alert=gate-1000]").click()
    await expect(page.locator("#detail")).to_contain_text("No explanation was kept")
    await expect(page.locator("#detail")).to_contain_text("No picture was kept")


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


async def test_an_alert_of_another_kind_is_named_in_words(page: Page, serve, settings: Settings, world) -> None:
    world.camera()
    world.condition("offline", 1000, detail="auth: the camera refuses the password")
    world.alert(2000)
    await page.goto(f"http://{serve(settings)}/")
    offline = page.locator("li[data-alert=gate-offline-1000]")
    await expect(offline.locator(".kind")).to_have_text("camera offline")
    await expect(offline.locator(".what")).to_have_text("auth: the camera refuses the password")
    await expect(offline.locator(".why")).to_be_hidden()
    await expect(page.locator("li[data-alert=gate-2000] .kind")).to_have_text("anomaly")
    await offline.click()
    await expect(page.locator("#detail")).to_contain_text("No picture was kept")
    await expect(page.locator("#detail")).not_to_contain_text("No explanation was kept")
