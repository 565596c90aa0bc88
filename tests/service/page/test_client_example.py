"""The JavaScript client of the documentation, as it is written there, in a page of the service's own host."""

from __future__ import annotations

from client_examples import example
from playwright.async_api import Page
from service_world import Serve, World, now_ms
from waiting import PATIENCE_S, eventually

from patchwatch.contract.settings import Settings

TOKEN = "a-token-of-letters/and+more"


async def test_it_lists_cameras_reads_scores_and_is_told_of_alerts(
    page: Page, serve: Serve, settings: Settings, world: World
) -> None:
    world.camera()
    world.minute(now_ms() // 60_000 * 60_000 - 120_000, 300, 30.0, 0.75)
    address = serve(settings.changed(api_token=TOKEN))
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await page.goto(f"http://{address}/page/format.js")  # some file of the service's own host
    await page.evaluate(f"(async () => {{ {example('js', address, TOKEN)} }})()")

    def told() -> bool:
        world.alert(now_ms())
        return any(line.startswith("open gate anomaly") for line in said)

    await eventually(told, within_s=PATIENCE_S)
    [peaks] = [line for line in said if line.startswith("gate ")]
    assert "0.75" in peaks
