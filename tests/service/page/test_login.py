"""The page for users: the set-up link, logging in with a password, who is logged in, and logging out."""

from __future__ import annotations

import pytest
from people import CHEAP
from playwright.async_api import Page, expect
from service_world import Serve, World, now_ms

from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from patchwatch.messages.access.api_token import digest
from service.access import passwords

CODE = "c" * 32


async def test_the_first_admin_comes_by_the_link_and_later_by_name_and_password(
    page: Page, serve: Serve, settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_HASHER", CHEAP)
    world.camera()
    world.bus.zadd(keys.SETUP_CODES, {digest(CODE): now_ms() + 60_000})
    where = f"http://{serve(Settings(redis_url=settings.redis_url, host='0.0.0.0'))}/"
    camera, fault = page.locator("article[data-camera=gate]"), page.locator("#login-fault")

    await page.goto(f"{where}#setup={CODE}")
    await expect(page.get_by_role("heading", name="Make the first admin")).to_be_visible()
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Password", exact=True).fill("short")
    await page.get_by_role("button", name="Make me the admin").click()
    await expect(fault).to_contain_text("12 to 1024")
    await page.get_by_label("Password", exact=True).fill("a password with words")
    await page.get_by_role("button", name="Make me the admin").click()
    await expect(camera).to_be_visible()
    await expect(page.locator("#link")).to_have_text("live")
    assert CODE not in page.url
    assert "ada" not in str(await page.evaluate("[document.cookie, JSON.stringify(localStorage)]"))

    other = await page.context.new_page()
    await other.goto(where)
    await expect(other.locator("article[data-camera=gate]")).to_be_visible()
    await page.get_by_role("button", name="Log out ada").click()
    await expect(page.get_by_label("Name")).to_be_visible()
    await expect(other.get_by_label("Name")).to_be_visible()  # it notices

    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Password", exact=True).fill("a wrong password")
    await page.get_by_role("button", name="Log in").click()
    await expect(fault).to_have_text("the name or the password is wrong")
    await page.get_by_role("button", name="With a token").click()
    await expect(page.get_by_label("Token")).to_be_visible()
    await page.get_by_role("button", name="With a password").click()
    await page.get_by_label("Password", exact=True).fill("a password with words")
    await page.get_by_role("button", name="Log in").click()
    await expect(camera).to_be_visible()
    await expect(other.locator("article[data-camera=gate]")).to_be_visible()


async def test_what_is_typed_as_a_password_can_be_seen(page: Page, serve: Serve, settings: Settings) -> None:
    where = serve(Settings(redis_url=settings.redis_url, host="0.0.0.0"))
    await page.goto(f"http://{where}/#setup={CODE}")
    password = page.get_by_label("Password", exact=True)
    await expect(password).to_have_attribute("type", "password")
    await page.get_by_label("Show what I type").check()
    await expect(password).to_have_attribute("type", "text")
    await page.get_by_label("Show what I type").uncheck()
    await expect(password).to_have_attribute("type", "password")
