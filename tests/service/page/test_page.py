"""The page in a real browser, on a real server."""

from __future__ import annotations

import math
import re
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import parts
import pytest
from playwright.async_api import Page, async_playwright, expect
from service_world import Serve, World

from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from patchwatch.messages.alert import AlertKind
from patchwatch.messages.analysis_status import AnalysisState, OpenCondition
from patchwatch.messages.enrolment import Enrolment, EnrolmentState
from patchwatch.messages.enrolment_report import EnrolmentReport, Sufficiency

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


def _seed(world: World) -> int:
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


def _enrol(world: World) -> None:
    report = EnrolmentReport(
        seconds=9.8, frames=50, segments=2, verdict=Sufficiency.TOO_SHORT, next_step="enrol ten minutes", streams=()
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
    page: Page, serve: Serve, settings: Settings, world: World, tmp_path: Path
) -> None:
    now_ms = _seed(world)
    await page.goto(f"http://{serve(settings)}/")
    gate = page.locator("article[data-camera=gate]")
    await expect(gate.locator("h3")).to_have_text("Back gate (gate)")
    await expect(gate.locator(".health")).to_have_text("ok")
    await expect(gate.locator(".random")).to_be_visible()
    await expect(gate.locator(".budget.warned")).to_have_text("enrol")
    expectation = re.compile(r"Expect 1\.2 to 11 false alarms a day\..*so far 12 minutes.*above a score of 0\.60\.")
    await expect(gate.locator(".budget")).to_have_attribute("title", expectation)
    await expect(page.locator("article[data-camera=yard] .budget")).to_be_hidden()
    await expect(gate.locator("img")).to_be_visible()
    await expect(gate.locator(".learnt")).to_have_text("too little normal footage: learn from more (10 s learnt)")
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
    page: Page, serve: Serve, settings: Settings, world: World, tmp_path: Path
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
    await expect(detail).to_contain_text("lags behind fast objects")
    await expect(detail.locator("section h3")).to_have_text(["motion: 75 %", "local: no value"])
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


async def test_an_alert_without_an_explanation_says_so(
    page: Page, serve: Serve, settings: Settings, world: World
) -> None:
    world.camera()
    world.alert(1000)
    await page.goto(f"http://{serve(settings)}/")
    await page.locator("li[data-alert=gate-1000]").click()
    await expect(page.locator("#detail")).to_contain_text("No explanation was kept")
    await expect(page.locator("#detail")).to_contain_text("No picture was kept")


async def log_in(page: Page, token: str) -> None:
    await page.get_by_label("Token").fill(token)
    await page.get_by_role("button", name="Log in").click()


async def test_the_page_asks_for_the_token_and_says_when_it_is_wrong(
    page: Page, serve: Serve, settings: Settings, world: World, tmp_path: Path
) -> None:
    world.camera()
    guarded = Settings(redis_url=settings.redis_url, api_token="schlüssel-s3cret")
    where = f"http://{serve(guarded)}/"
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.on("websocket", lambda websocket: addresses.append(websocket.url))
    await page.goto(where)
    fault = page.locator("#token-fault")
    await expect(page.get_by_label("Token")).to_be_visible()
    await expect(fault).to_be_hidden()
    await log_in(page, "wrong")
    await expect(fault).to_contain_text("The token is wrong")
    await page.screenshot(path=tmp_path / "login.png")
    await log_in(page, "schlüssel-s3cret")
    await expect(page.locator("article[data-camera=gate]")).to_be_visible()
    await expect(page.locator("#link")).to_have_text("live")
    assert any(address.startswith("ws:") for address in addresses)
    assert not any("s3cret" in address for address in addresses), "proxies write addresses into their logs"

    other = await page.context.new_page()  # a second tab is not asked
    await other.goto(where)
    await expect(other.locator("article[data-camera=gate]")).to_be_visible()
    await expect(other.get_by_label("Token")).to_be_hidden()
    await other.get_by_role("button", name="Log out").click()
    await expect(other.get_by_label("Token")).to_be_visible()
    await expect(fault).to_be_hidden()
    await expect(page.get_by_label("Token")).to_be_visible()  # the first one is logged out too
    await log_in(page, "schlüssel-s3cret")
    await expect(other.get_by_label("Token")).to_be_hidden()  # and in again
    await expect(other.locator("#link")).to_have_text("live")


async def test_a_websocket_that_is_refused_is_explained(
    page: Page, serve: Serve, settings: Settings, world: World
) -> None:
    where = serve(settings)
    # As a proxy that passes on the name without the port has it: the page's origin is another than its host.
    await page.goto(f"http://{where}/")
    await expect(page.locator("#link")).to_have_text("live")
    said = """() => new Promise((done) => {
        const socket = new WebSocket(`ws://${location.host}/api/v1/ws/alerts?after=x`);
        socket.onclose = ({code, reason}) => done(`${code} ${reason}`);
    })"""
    assert (await page.evaluate(said)).startswith("4422 query.after")


async def test_alerts_are_found_by_day_camera_and_kind(
    page: Page, serve: Serve, settings: Settings, world: World
) -> None:
    world.camera()
    world.camera("yard")
    now_ms = time.time_ns() // 1_000_000
    for number in range(120):
        world.alert(now_ms - number * 1000, camera_id="gate" if number % 2 else "yard")
    world.condition("offline", now_ms - 500)
    await page.clock.set_fixed_time(now_ms)
    old_ms = now_ms - 3 * 86_400_000
    world.alert(old_ms)
    await page.goto(f"http://{serve(settings)}/")
    rows = page.locator("#alerts li")
    older = page.get_by_role("button", name="Older alerts")
    await expect(rows).to_have_count(50)
    await older.click()
    await expect(rows).to_have_count(100)
    await older.click()
    await expect(rows).to_have_count(122)
    await expect(older).to_be_hidden()
    await page.locator("#of-kind").select_option("offline")
    await expect(rows).to_have_count(1)
    await page.locator("#of-kind").select_option("")
    await page.locator("#of-camera").select_option("yard")
    await expect(rows).to_have_count(50)
    await older.click()
    await expect(rows).to_have_count(60)
    await page.locator("#of-camera").select_option("")
    day = await page.evaluate("ms => new Date(ms).toLocaleDateString('sv')", old_ms)
    await page.locator("#day").fill(day)
    await expect(rows).to_have_count(1)
    world.alert(now_ms + 1000)
    await expect(rows).to_have_count(1)  # of another day
    await page.locator("#day").fill("")
    await expect(rows.first).to_have_attribute("data-alert", f"gate-{now_ms + 1000}")


async def test_an_alert_opens_by_its_address(page: Page, serve: Serve, settings: Settings, world: World) -> None:
    world.camera()
    for at_ms in range(1000, 61_000, 1000):
        world.alert(at_ms)
    await page.goto(f"http://{serve(settings)}/#alert=gate-1000")  # not among the newest fifty
    await expect(page.locator("#detail")).to_be_visible()
    await expect(page.locator("#detail")).to_contain_text("peak 0.90")
    await page.keyboard.press("Escape")
    await expect(page).not_to_have_url(re.compile("#"))
    await page.locator("#alerts li").first.click()
    await expect(page).to_have_url(re.compile("#alert=gate-60000$"))


async def test_without_cameras_or_a_bank_it_says_which_command_comes_next(
    page: Page, serve: Serve, settings: Settings, world: World
) -> None:
    where = f"http://{serve(settings)}/"
    await page.goto(where)
    await expect(page.locator("#no-cameras")).to_be_visible()
    await expect(page.locator("#no-cameras")).to_contain_text("patchwatch cameras add")
    world.camera()
    world.capture()
    world.analysis(state=AnalysisState.NO_BANK)
    await page.goto(where)
    await expect(page.locator("article[data-camera=gate] .reason")).to_contain_text(
        "patchwatch enrolments add gate --live 900"
    )
    await expect(page.locator("#no-cameras")).to_be_hidden()


async def test_learning_shows_its_progress(page: Page, serve: Serve, settings: Settings, world: World) -> None:
    world.camera()
    world.capture()
    world.analysis(state=AnalysisState.NO_BANK)
    running = Enrolment(
        id="e2", camera_id="gate", profile="motion", state=EnrolmentState.RUNNING, progress=0.59,
        created_at_ms=1, updated_at_ms=2,
    )  # fmt: skip
    world.bus.hset(keys.ENROLMENT_RECORDS, running.id, running.encode())
    world.bus.hset(keys.ENROLMENTS_LATEST, "gate", running.id)
    world.bus.zadd(keys.members("enrolment"), {"a worker": time.time() * 1000})
    await page.goto(f"http://{serve(settings)}/")
    await expect(page.locator(".reason")).to_contain_text("learning, 59% done")
    await expect(page.locator(".enrolment")).to_have_text("")  # it is said once


async def test_on_a_phone_a_link_leads_to_the_alerts(
    page: Page, serve: Serve, settings: Settings, world: World, tmp_path: Path
) -> None:
    await page.set_viewport_size({"width": 390, "height": 800})
    _seed(world)
    for number in range(6):
        world.camera(f"cam{number}")
    await page.goto(f"http://{serve(settings)}/")
    await expect(page.locator("#alerts li")).to_have_count(1)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
    link = page.get_by_role("link", name="Alerts 1 open")
    await link.click()
    await expect(page.locator("#alerts li").first).to_be_in_viewport()
    await page.screenshot(path=tmp_path / "phone.png")


@pytest.mark.parametrize("path", ["docs", "redoc"])
async def test_the_documentation_is_rendered_without_other_hosts(
    page: Page, serve: Serve, settings: Settings, path: str
) -> None:
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    await page.goto(f"http://{serve(settings)}/{path}")
    await expect(page.get_by_text("List cameras").locator("visible=true").first).to_be_visible(timeout=20_000)
    assert not refused


async def test_the_documentation_sends_the_token_of_the_page(page: Page, serve: Serve, settings: Settings) -> None:
    guarded = Settings(redis_url=settings.redis_url, api_token="s3cret")
    where = f"http://{serve(guarded)}"
    await page.goto(where)
    await log_in(page, "s3cret")
    await page.get_by_role("link", name="API").click()
    await try_listing_cameras(page)


NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error; events {{}}
http {{
  access_log off; client_body_temp_path {folder}/t; proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t;
  uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
  map $http_upgrade $connection_word {{ default upgrade; '' close; }}
  server {{ listen 127.0.0.1:{port}; location /deep/cams/ {{
    proxy_pass http://{where}/; proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_word; {more}
  }} }}
}}
"""


@pytest.mark.nginx
@pytest.mark.parametrize("more", ["", "proxy_set_header X-Forwarded-Prefix /deep/cams;"], ids=["untold", "told"])
async def test_the_page_works_under_a_path_of_a_proxy(
    page: Page, serve: Serve, settings: Settings, world: World, tmp_path: Path, more: str
) -> None:
    """Without a token such a proxy must pass on our own name, and the browser's is another: so with a token."""
    _seed(world)
    for number in range(60):
        world.alert(1000 + number)
    where = serve(Settings(redis_url=settings.redis_url, api_token="s3cret"))
    with nginx(tmp_path, where, more) as port:
        await page.goto(f"http://127.0.0.1:{port}/deep/cams/")
        await log_in(page, "s3cret")
        await expect(page.locator("#link")).to_have_text("live")
        await expect(page.locator("article[data-camera=gate] img")).to_be_visible()
        await expect(page.locator("#alerts li")).to_have_count(50)
        await page.get_by_role("button", name="Older alerts").click()
        await expect(page.locator("#alerts li")).to_have_count(61)
        await page.locator("#alerts li").first.click()
        await expect(page.locator("#detail-picture img")).to_be_visible()
        await page.keyboard.press("Escape")
        await page.get_by_role("link", name="API").click()
        await try_listing_cameras(page)


async def try_listing_cameras(page: Page) -> None:
    await page.locator("#operations-cameras-index_api_v1_cameras_get button").first.click(timeout=20_000)
    await page.get_by_role("button", name="Try it out").click()
    await page.get_by_role("button", name="Execute").click()
    await expect(page.locator(".live-responses-table .response-col_status").last).to_contain_text("200")


@contextmanager
def nginx(folder: Path, where: str, more: str) -> Iterator[int]:
    """Serves ``where`` under /deep/cams/ at the port that is returned."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, where=where, more=more))
    program = parts.nginx()
    with subprocess.Popen([program, "-e", str(folder / "error"), "-c", str(folder / "nginx.conf")]) as process:
        try:
            wait_until_open(port)
            yield port
        finally:
            process.terminate()
            process.wait(timeout=10)


def wait_until_open(port: int) -> None:
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("nginx did not come up")


async def test_the_page_reconnects_after_the_service_was_away(
    page: Page, serve: Serve, settings: Settings, world: World
) -> None:
    where = serve(settings)
    await page.goto(f"http://{where}/")
    await expect(page.locator("#link")).to_have_text("live")
    await page.context.set_offline(True)
    await expect(page.locator("#fault")).to_be_visible()
    await page.context.set_offline(False)
    await expect(page.locator("#fault")).to_be_hidden(timeout=20_000)
    world.alert(1000)
    await expect(page.locator("#alerts li")).to_have_count(1)


async def test_the_kind_of_an_alert_is_shown_in_words(
    page: Page, serve: Serve, settings: Settings, world: World
) -> None:
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


async def test_times_in_a_reason_are_local(page: Page, serve: Serve, settings: Settings, world: World) -> None:
    _seed(world)
    world.analysis(condition=OpenCondition(kind=AlertKind.BLIND, since_ms=1_800_000_000_000, detail="it is dark"))
    await page.goto(f"http://{serve(settings)}/")
    reason = page.locator("article[data-camera=gate] .reason")
    await expect(reason).to_have_text(re.compile(r"nothing can be seen since (?!\d{4}-\d\d-\d\dT).*2027.*: it is dark"))
