"""The page behind a token, a proxy and an unsteady service."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import parts
import pytest
from playwright.async_api import Page, expect
from seeded_world import seeded
from service_world import Serve, World
from waiting import listens, wait_until

from patchwatch.contract.settings import Settings


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


@pytest.mark.parametrize("path", ["docs", "redoc"])
async def test_the_documentation_is_rendered_without_other_hosts(
    page: Page, serve: Serve, settings: Settings, path: str
) -> None:
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    await page.goto(f"http://{serve(settings)}/{path}")
    await expect(page.get_by_text("List cameras").locator("visible=true").first).to_be_visible()
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
    seeded(world)
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
    await page.locator("#operations-cameras-index_api_v1_cameras_get button").first.click()
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
            wait_until(lambda: listens(port))
            yield port
        finally:
            process.terminate()
            process.wait(timeout=10)


async def test_the_page_reconnects_after_the_service_was_away(
    page: Page, serve: Serve, settings: Settings, world: World
) -> None:
    where = serve(settings)
    await page.goto(f"http://{where}/")
    await expect(page.locator("#link")).to_have_text("live")
    await page.context.set_offline(True)
    await expect(page.locator("#fault")).to_be_visible()
    await page.context.set_offline(False)
    await expect(page.locator("#fault")).to_be_hidden()
    world.alert(1000)
    await expect(page.locator("#alerts li")).to_have_count(1)
