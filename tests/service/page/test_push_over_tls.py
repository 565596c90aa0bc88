"""The way of a push message, over TLS from end to end: a browser behind nginx adds itself by a click, the delivery
worker encrypts and sends, and the service worker shows what a push service received.

Only the subscription is made up, and the last hop is the browser's own tools, as no browser here reaches its push
service. The message is decrypted by what RFC 8291 says, without the library that encrypted it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import parts
import pytest
import redis.asyncio
from chromium import ARGUMENTS
from people import CHEAP
from playwright.async_api import BrowserContext, Page, async_playwright, expect
from push_deliveries import PushDeliveries
from push_device import PushDevice
from receiver import answer, receiving
from service_world import Serve, World, now_ms
from tls_site import TlsSite, tls_site
from waiting import eventually

from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from patchwatch.messages.access.api_token import digest
from service.access import passwords
from workers.delivery.worker import DeliveryWorker

CODE = "c" * 32
SUBSCRIPTION = """
  let current = null;
  PushManager.prototype.getSubscription = async () => current;
  PushManager.prototype.subscribe = async ({ applicationServerKey }) => (current = {
    endpoint: "ENDPOINT", applicationServerKey, toJSON: () => ({ endpoint: "ENDPOINT", keys: KEYS }),
    unsubscribe: async () => { current = null; return true; } });
"""
SHOWN = """async () => {
  const [shown] = await (await navigator.serviceWorker.ready).getNotifications();
  return { title: shown.title, body: shown.body, tag: shown.tag, link: shown.data.link };
}"""


@asynccontextmanager
async def phone(site: TlsSite, folder: Path) -> AsyncIterator[BrowserContext]:
    """A browser that finds the names of the test here, and trusts its certificate."""
    more = ["--host-resolver-rules=MAP *.test 127.0.0.1", f"--ignore-certificate-errors-spki-list={site.fingerprint}"]
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            folder / "profile", executable_path=parts.chromium(), args=[*ARGUMENTS, *more],
            viewport={"width": 390, "height": 800},
        )  # fmt: skip
        yield context
        await context.close()


@asynccontextmanager
async def delivering(settings: Settings) -> AsyncIterator[None]:
    assert settings.redis_url is not None
    async with redis.asyncio.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        worker = DeliveryWorker(settings, client)
        task = asyncio.create_task(worker.run())
        try:
            yield
        finally:
            worker.stop()
            await task


@pytest.mark.nginx
@pytest.mark.asyncio
async def test_a_phone_is_told_with_a_picture_over_tls(
    serve: Serve, settings: Settings, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts.need("browser")
    monkeypatch.setattr(passwords, "_HASHER", CHEAP)
    world.camera("gate", name="Back gate")
    world.bus.zadd(keys.SETUP_CODES, {digest(CODE): now_ms() + 600_000})
    settings = settings.changed(host="0.0.0.0", webhook_reach="loopback")
    device = PushDevice()
    async with receiving(answer(201)) as service:
        sites = {"home.test": serve(settings), "localhost": f"127.0.0.1:{service.port}"}
        with tls_site(tmp_path, sites) as site:
            monkeypatch.setenv("SSL_CERT_FILE", str(site.authority))  # as one does for an authority of one's own
            async with phone(site, tmp_path) as context:
                page = await _subscribed(context, site, device)
                async with delivering(settings):
                    world.alert(1_800_000_000_000, anomaly="place", zones=["porch"])
                    world.bus.set(keys.alert_picture("gate-1800000000000"), world.picture)
                    await eventually(lambda: service.requests)
                [request] = service.requests
                message = device.read_by_the_standard(request.body)
                await _check_shown(page, site, message)


async def _subscribed(context: BrowserContext, site: TlsSite, device: PushDevice) -> Page:
    """A page that has logged in and notifies this device, by clicks."""
    home = f"https://home.test:{site.port}"
    page = context.pages[0]
    await context.grant_permissions(["notifications"], origin=home)
    script = SUBSCRIPTION.replace("ENDPOINT", f"https://localhost:{site.port}/send/1")
    await page.add_init_script(script.replace("KEYS", json.dumps(device.keys)))
    await page.goto(f"{home}/#setup={CODE}")
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Password", exact=True).fill("a password with words")
    await page.get_by_role("button", name="Make me the admin").click()
    await page.get_by_role("link", name="Notify").click()
    part = page.get_by_role("region", name="Your devices")
    await part.get_by_role("button", name="Notify this device").click()
    await expect(part).to_contain_text("(this device)")
    return page


async def _check_shown(page: Page, site: TlsSite, message: dict[str, Any]) -> None:
    """What the service worker shows of it; and its picture comes without a login."""
    home = f"https://home.test:{site.port}"
    tools, deliveries = await page.context.new_cdp_session(page), PushDeliveries()
    await deliveries.listen(tools)
    order = {"origin": home, "registrationId": await deliveries.registered(), "data": json.dumps(message)}
    await tools.send("ServiceWorker.deliverPushMessage", order)
    await deliveries.handled()
    assert await page.evaluate(SHOWN) == {
        "title": "something unusual in its place: Back gate", "tag": "gate-1800000000000",
        "body": "2027-01-15 08:00:00  Back gate: something unusual in its place in porch, score 0.90",
        "link": "./#alert=gate-1800000000000",
    }  # fmt: skip
    loaded = "async (src) => { const response = await fetch(src, { credentials: 'omit' });" + (
        " return [response.status, response.headers.get('content-type')]; }"
    )
    assert await page.evaluate(loaded, f"{home}/{message['picture']}") == [200, "image/jpeg"]
    await page.goto(f"{home}/{message['link']}")
    await expect(page.locator("#detail-title")).to_contain_text("gate")
