"""The page where users log in at a provider: by clicking, under a proxy's path, on a phone, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider, oidc_provider
from people import PASSWORD, People
from playwright.async_api import Page, expect
from service_world import Serve, World

from patchwatch.contract.settings import Settings


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    with oidc_provider() as made:
        yield made


def _settings(settings: Settings, provider: OidcProvider, **changes: object) -> Settings:
    known = {
        "oidc_issuer": provider.issuer, "oidc_client_id": CLIENT_ID, "oidc_client_secret": CLIENT_SECRET,
        "oidc_roles": "/admins=admin", "oidc_label": "Home",
    }  # fmt: skip
    return settings.changed(**{**known, **changes})


async def test_one_click_leads_to_the_provider_and_back_to_where_one_was(
    page: Page, serve: Serve, settings: Settings, world: World, provider: OidcProvider
) -> None:
    world.camera()
    public = {"public_url": "https://home.example/cams", "password_login": False}
    where = f"http://{serve(_settings(settings, provider, **public))}/cams/"
    await page.set_viewport_size({"width": 390, "height": 800})
    await page.goto(f"{where}#/users")
    await expect(page.get_by_label("Password", exact=True)).to_be_hidden()
    button = page.get_by_role("button", name="Log in with Home")
    await expect(button).to_be_in_viewport()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await button.click()
    await page.get_by_role("link", name="I am ada").click()
    await expect(page.get_by_role("button", name="Log out")).to_be_attached()
    await expect(page.get_by_text("ada (single sign-on)")).to_be_visible()
    assert page.url == f"{where}#/users"  # neither code nor state stay in the history
    assert "code" not in str(await page.evaluate("[document.cookie, JSON.stringify(localStorage)]"))
    await page.goto(where)
    await expect(page.locator("article[data-camera=gate]")).to_be_visible()


async def test_the_page_says_why_a_login_failed_and_passwords_and_tokens_stay(
    page: Page, serve: Serve, settings: Settings, world: World, provider: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.camera()
    People(world, monkeypatch).user("root", "admin")
    await page.goto(f"http://{serve(_settings(settings, provider))}/")
    fault, button = page.locator("#login-fault"), page.get_by_role("button", name="Log in with Home")
    await button.click()
    await page.get_by_role("link", name="I am bob").click()
    await expect(fault).to_contain_text("no group of yours has a role here")
    await button.click()
    await page.get_by_role("link", name="I decline").click()
    await expect(fault).to_contain_text("you declined, or may not use this application")
    await page.reload()
    await expect(button).to_be_visible()
    await expect(fault).to_be_hidden()  # told once
    await page.get_by_role("button", name="With a token").click()
    await expect(page.get_by_label("Token")).to_be_visible()
    await expect(button).to_be_hidden()
    await page.get_by_role("button", name="With a password").click()
    await page.get_by_label("Name").fill("root")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Log in", exact=True).click()
    await expect(page.locator("article[data-camera=gate]")).to_be_visible()


async def test_the_page_says_that_the_provider_is_away(
    page: Page, serve: Serve, settings: Settings, provider: OidcProvider
) -> None:
    provider.failing = 503
    await page.goto(f"http://{serve(_settings(settings, provider))}/")
    await page.get_by_role("button", name="Log in with Home").click()
    await expect(page.locator("#login-fault")).to_contain_text("answers with HTTP 503")
    provider.failing = 0
