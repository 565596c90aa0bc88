"""Who is told, and who may: notifications are muted, users and tokens are made in the page."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page, expect
from service_world import Serve, World

from patchwatch.contract.settings import Settings


async def answers(page: Page, path: str) -> Any:
    return await page.evaluate("async path => (await fetch(path)).json()", path)


async def test_a_camera_is_muted_and_heard_again(page: Page, serve: Serve, settings: Settings, world: World) -> None:
    world.camera(name="Back gate")
    await page.goto(f"http://{serve(settings)}/#/notifications")
    part = page.get_by_role("region", name="Mute")
    await part.get_by_role("combobox", name="Cameras").select_option("gate")
    await part.get_by_role("button", name="For an hour").click()
    await expect(part).to_contain_text("Back gate: until")
    (mute,) = (await answers(page, "api/v1/mutes"))["mutes"]
    assert mute["camera_id"] == "gate"
    await part.get_by_role("button", name="End").click()
    await expect(part).to_contain_text("Not muted any more")
    assert (await answers(page, "api/v1/mutes"))["mutes"] == []


async def test_a_token_is_made_shown_once_and_revoked(
    page: Page, serve: Serve, settings: Settings, world: World
) -> None:
    world.camera()
    await page.goto(f"http://{serve(settings)}/#/users")
    part = page.get_by_role("region", name="Tokens of programs")
    await part.get_by_text("Add a token").click()
    await part.get_by_role("textbox", name="Name").fill("Home Assistant")
    await part.get_by_role("button", name="Add the token").click()
    await expect(part.get_by_role("status")).to_contain_text("The token, shown this once: ")
    await expect(part.get_by_role("cell", name="Home Assistant")).to_be_visible()
    audit = page.get_by_role("region", name="Who changed what")
    await page.reload()
    await expect(audit).to_contain_text("POST /api/v1/tokens")
    await expect(part).not_to_contain_text("shown this once")
    page.on("dialog", lambda dialog: dialog.accept())
    await part.get_by_role("button", name="Revoke").click()
    await expect(part.get_by_role("cell", name="Home Assistant")).to_have_count(0)


async def test_health_shows_what_the_doctor_finds(page: Page, serve: Serve, settings: Settings, world: World) -> None:
    world.camera()
    await page.goto(f"http://{serve(settings)}/#/health")
    part = page.get_by_role("region", name="Checks of the installation")
    await expect(part).to_contain_text("1 of 2 checks found something to look at.")
    await expect(part.locator("ul.findings").first).to_have_text("look at it memory: the disk will be full: make room")
    await part.get_by_text("1 check is well").click()
    await expect(part).to_contain_text("redis: answers")
    await expect(page.locator(".verdict-line")).to_contain_text("attention")


async def test_a_topic_of_ntfy_is_given_as_its_app_shows_it(
    page: Page, serve: Serve, settings: Settings, world: World
) -> None:
    world.camera(name="Back gate")
    world.camera("yard")
    world.beat("delivery")
    await page.goto(f"http://{serve(settings)}/#/notifications")
    part = page.get_by_role("region", name="Channels")
    await part.get_by_role("textbox", name="Address").fill("https://ntfy.example/front-door")
    await part.get_by_text("Only some cameras").click()
    await part.get_by_label("Back gate").check()
    await part.get_by_role("button", name="Add the channel").click()
    row = part.locator("[data-channel=ntfy]")
    await expect(row).to_contain_text("ntfys://***")
    await expect(row).to_contain_text("Back gate · all alerts")
    await expect(row.locator(".warned")).to_have_count(0)  # that nothing was sent yet is no fault
    (channel,) = (await answers(page, "api/v1/channels"))["channels"]
    assert channel["cameras"] == ["gate"]
    assert channel["time_zone"] == await page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")

    await part.get_by_text("Add a channel").click()
    await expect(part.get_by_role("textbox", name="Id")).to_have_value("ntfy-2")
    await part.get_by_role("combobox", name="Service").select_option("other")
    await part.get_by_role("textbox", name="Id").fill("desk")
    await part.get_by_role("textbox", name="Address").fill("https://nobody.example/knows")
    await part.get_by_role("button", name="Add the channel").click()
    await expect(part.get_by_role("status")).to_contain_text("Not done: ")
