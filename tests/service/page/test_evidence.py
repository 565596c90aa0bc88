"""The dialog of an alert plays its clip in a browser, by a signed link and in parts."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Page, expect
from seeded_world import seeded
from service_world import Serve, World
from stored_evidence import note_evidence, store_clip

from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.evidence import EvidenceState


async def test_the_dialog_plays_the_clip_once_it_is_ready(
    page: Page, serve: Serve, settings: Settings, world: World, tmp_path: Path
) -> None:
    settings = settings.changed(data_dir=tmp_path / "data", api_token="a-token-of-many-letters")
    alert_id = f"gate-{seeded(world) - 32_000}"
    note_evidence(world, alert_id, EvidenceState.RECORDING)
    await page.goto(f"http://{serve(settings)}/")
    await page.locator("#token").fill("a-token-of-many-letters")
    await page.locator("#token").press("Enter")
    await page.locator("#alerts li button").first.click()
    await expect(page.locator("#detail-evidence")).to_contain_text("being recorded")
    store_clip(world, settings.evidence_dir, alert_id)
    video = page.locator("#detail-evidence video")
    await expect(video).to_be_visible()
    await video.evaluate("v => v.play()")
    await page.wait_for_function("() => document.querySelector('#detail-evidence video').currentTime > 0.2")
    assert abs(await video.evaluate("v => v.duration") - 8.0) < 0.2
    assert await video.evaluate("v => v.videoWidth") == 160
    await expect(page.locator("#detail-evidence a")).to_have_text("Download all evidence")
