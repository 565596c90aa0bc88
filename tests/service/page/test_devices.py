"""A browser adds itself, and shows what is pushed to it. Its subscription is made up, as no push service can be reached
here; the service worker is the real one."""

from __future__ import annotations

import json

from playwright.async_api import Page, expect
from push_deliveries import PushDeliveries
from push_device import PushDevice
from service_world import Serve, World

from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.channel import Channel

_SUBSCRIPTION = """
  const keys = KEYS;
  let current = null;
  const endpoint = "https://push.example/1";
  const subscription = (key) => ({ endpoint, key, toJSON: () => ({ endpoint, keys }),
    unsubscribe: async () => { current = null; return true; } });
  PushManager.prototype.getSubscription = async () => current;
  PushManager.prototype.subscribe = async ({ applicationServerKey }) => (current = subscription(applicationServerKey));
"""


async def test_a_browser_adds_itself_and_takes_itself_back(
    page: Page, serve: Serve, settings: Settings, world: World
) -> None:
    world.camera("gate")
    site = f"http://{serve(settings)}"
    await page.context.grant_permissions(["notifications"], origin=site)
    await page.add_init_script(_SUBSCRIPTION.replace("KEYS", str(PushDevice().keys)))
    await page.goto(f"{site}/#/notifications")
    part = page.get_by_role("region", name="Your devices")
    await part.get_by_role("button", name="Notify this device").click()
    await expect(part).to_contain_text("(this device)")
    await expect(part.get_by_role("button", name="Notify this device")).to_have_count(0)
    [channel] = map(Channel.decode, world.bus.hvals(keys.CHANNELS))
    assert channel.url.get_secret_value() == "https://push.example/1"
    await part.get_by_role("button", name="Remove").click()
    await expect(part.get_by_role("button", name="Notify this device")).to_be_visible()
    assert not world.bus.exists(keys.CHANNELS)


async def test_what_is_pushed_is_shown_and_leads_to_the_alert(page: Page, serve: Serve, settings: Settings) -> None:
    site = f"http://{serve(settings)}"
    await page.context.grant_permissions(["notifications"], origin=site)
    tools, deliveries = await page.context.new_cdp_session(page), PushDeliveries()
    await deliveries.listen(tools)
    await page.goto(site)
    await page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    registration = await deliveries.registered()
    message = {"notice": "alert", "title": "Something unusual: gate", "text": "at nine", "tag": "gate-1"}
    for data in (json.dumps(message | {"link": "./#alert=gate-1"}), "no JSON"):
        order = {"origin": site, "registrationId": registration, "data": data}
        await tools.send("ServiceWorker.deliverPushMessage", order)
        await deliveries.handled()
    shown = await page.evaluate("""async () => {
      const registration = await navigator.serviceWorker.ready;
      const shown = await registration.getNotifications();
      return shown.map(({ title, body, tag, data }) => [title, body, tag, data.link ?? null]);
    }""")
    assert sorted(shown) == [
        ["Patchwatch", "Something has happened: open the page.", "", None],
        ["Something unusual: gate", "at nine", "gate-1", "./#alert=gate-1"],
    ]
