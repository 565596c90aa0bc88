"""The page in a real browser, on a real server."""

from __future__ import annotations

import re
import time
from pathlib import Path

from playwright.async_api import Page, expect
from seeded_world import seeded
from service_world import Serve, World

from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import AlertKind
from patchwatch.messages.banks.arming import ArmingState, MemoryExtent, MemoryStatus
from patchwatch.messages.banks.enrolment import Enrolment, EnrolmentState
from patchwatch.messages.cameras.analysis_status import AnalysisState, OpenCondition
from patchwatch.messages.cameras.zones.privacy_marks import marks_of


async def test_the_page_shows_cameras_score_lines_and_alerts_live(
    page: Page, serve: Serve, settings: Settings, world: World
) -> None:
    now_ms = seeded(world)
    await page.goto(f"http://{serve(settings)}/")
    gate = page.locator("article[data-camera=gate]")
    await expect(gate.locator("h3")).to_have_text("Back gate")
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


async def test_an_alert_says_why_when_it_is_clicked(
    page: Page, serve: Serve, settings: Settings, world: World, tmp_path: Path
) -> None:
    seeded(world)
    now_ms = time.time_ns() // 1_000_000
    world.alert(now_ms, peak_score=0.9)
    alert_id = f"gate-{now_ms}"
    world.bus.set(keys.alert_picture(alert_id), world.picture)
    world.bus.set(keys.alert_explanation(alert_id), world.explanation().encode())
    await page.goto(f"http://{serve(settings)}/")
    detail = page.locator("#detail")
    await page.locator(f"li[data-alert={alert_id}]").click()
    await expect(detail.locator("h2")).to_have_text("Back gate: anomaly")
    await expect(detail.locator("#detail-picture .overlaid rect")).to_have_attribute("width", "100")
    await expect(detail).to_contain_text("lags behind fast objects")
    await expect(detail.locator("section h3")).to_have_text(["motion: 75 %", "local: no value at this moment"])
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
    reason = page.locator("article[data-camera=gate] .reason")
    await expect(reason).to_contain_text("is patchwatch run enrolment running?")
    world.camera(self_arm=False)
    await expect(reason).to_contain_text("patchwatch enrolments add gate --live 900")
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
    page: Page, serve: Serve, settings: Settings, world: World
) -> None:
    await page.set_viewport_size({"width": 390, "height": 800})
    seeded(world)
    for number in range(6):
        world.camera(f"cam{number}")
    await page.goto(f"http://{serve(settings)}/")
    await expect(page.locator("#alerts li")).to_have_count(1)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
    await page.get_by_role("link", name="Review 1 open").click()
    await expect(page.locator(".viewer .large-picture img")).to_be_in_viewport()
    await expect(page.locator("#view-live")).to_be_hidden()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"


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
    seeded(world)
    world.analysis(condition=OpenCondition(kind=AlertKind.BLIND, since_ms=1_800_000_000_000, detail="it is dark"))
    await page.goto(f"http://{serve(settings)}/")
    reason = page.locator("article[data-camera=gate] .reason")
    await expect(reason).to_have_text(re.compile(r"nothing can be seen since (?!\d{4}-\d\d-\d\dT).*2027.*: it is dark"))


ZONES = [
    {"name": "porch", "kind": "zone", "points": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]},
    {"name": "window", "kind": "privacy", "points": [[0.75, 0.5], [1, 0.5], [1, 1], [0.75, 1]]},
]


async def test_zones_are_drawn_over_the_picture_and_alerts_name_theirs(
    page: Page, serve: Serve, settings: Settings, world: World, tmp_path: Path
) -> None:
    now_ms = seeded(world)
    world.camera(name="Back gate", zones=ZONES)
    world.frame(301, hidden=marks_of([((0.75, 0.5), (1.0, 0.5), (1.0, 1.0), (0.75, 1.0))]))
    world.alert(now_ms, zones=("porch",))
    await page.goto(f"http://{serve(settings)}/")
    gate = page.locator("article[data-camera=gate]")
    await expect(gate.locator(".zones text")).to_have_text(["porch", "window"])
    await expect(gate.locator(".zone-privacy title")).to_have_text("window (privacy)")
    shown = await gate.locator(".picture img").bounding_box()
    drawn = await gate.locator(".zone-zone polygon").bounding_box()
    assert shown is not None
    assert drawn is not None
    assert abs(drawn["x"] - shown["x"]) < 6  # its stroke counts
    assert abs(drawn["y"] - shown["y"]) < 6
    assert abs(drawn["width"] - shown["width"] / 2) < 12
    assert abs(drawn["height"] - shown["height"]) < 12
    await expect(page.locator(f"li[data-alert=gate-{now_ms}] .what")).to_contain_text("in porch")
    await page.screenshot(path=tmp_path / "zones.png")
    world.camera(name="Back gate")
    await expect(gate.locator(".zones")).to_be_hidden()


async def test_a_camera_that_arms_itself_shows_how_far_it_is_without_a_reload(
    page: Page, serve: Serve, settings: Settings, world: World
) -> None:
    now_ms = time.time_ns() // 1_000_000
    world.camera("new", adopted=True)
    world.capture("new")
    world.analysis("new", state=AnalysisState.NO_BANK)

    def remembered(seconds: float) -> None:
        status = MemoryStatus(
            camera_id="new", profile="motion", extent=MemoryExtent(seconds=seconds), first_bank_s=60.0
        )  # fmt: skip
        world.bus.hset(keys.MEMORIES, "new", status.encode())

    remembered(15.0)
    await page.goto(f"http://{serve(settings)}/")
    card = page.locator("article[data-camera=new]")
    await expect(card.locator(".arming")).to_have_text("learning")
    await expect(card.locator(".adopted")).to_have_text("new: look at it")
    await expect(card.locator("progress.learning")).to_have_js_property("value", 0.25)
    await expect(card.locator(".reason")).to_contain_text("seen for 15 of 60 s, scored in about 45 s")
    remembered(45.0)
    await expect(card.locator("progress.learning")).to_have_js_property("value", 0.75)
    world.analysis("new", bank_id="b1", arming=ArmingState.PROVISIONAL)
    world.score(now_ms, camera_id="new")
    world.commit(9, [], {"scored": 2, "dropped:no_bank": 6, "dropped:too_old": 1}, "new")
    await expect(card.locator(".arming")).to_have_text("provisional")
    await expect(card.locator(".facts").first).to_contain_text("2 scored, 1 dropped, 6 before it could be scored")
    await expect(card.locator("progress.learning")).to_be_hidden()
    world.camera("new")
    world.analysis("new", bank_id="b1", arming=ArmingState.ARMED)
    await expect(card.locator(".arming")).to_have_text("armed")
    await expect(card.locator(".adopted")).to_be_hidden()
