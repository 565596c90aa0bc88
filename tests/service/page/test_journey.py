"""An operator's way, by clicking, on a phone: from the set-up link to an alert that is silenced and comes again.

Service, browser, scoring, memory and learning are real. Frames are written as an ingest worker writes them, faster than
a camera, and the clip is that of another test, since it lasts as long as it shows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from moving_scene import FPS, HEIGHT, WIDTH, scene
from numpy.typing import NDArray
from people import CHEAP
from playwright.async_api import Page, expect
from service_world import Serve, World, now_ms
from stored_evidence import note_evidence, store_clip
from waiting import eventually
from worker_thread import in_thread

from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from patchwatch.messages.access.api_token import digest
from patchwatch.messages.alerts.evidence import EvidenceState
from patchwatch.messages.cameras.analysis_status import AnalysisStatus
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage
from service.access import passwords
from workers.enrolment.worker import EnrolmentWorker
from workers.inference.worker import InferenceWorker
from workers.media import jpeg_codec

CODE = "c" * 32
CAMERA = "square"
LOOP = 157  # frames: four swings of the patch, which then goes on where it began
RUSH = range(60, 70)  # no more than a correction keeps of each place: the same again is covered whole
MOST_LOOPS = 12


class Square:
    """A camera that publishes: a patch swings, and when asked to, it rushes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._keys = world.keys_of(CAMERA)
        self._began_ns = time.time_ns() - 3_600 * 10**9
        self._sent = 0

    def loop(self, *, rush: bool = False) -> None:
        """Four swings, once they are judged."""
        for n in range(LOOP):
            seq = self._sent + n + 1
            media_ns = (seq - 1) * 10**9 // FPS
            noise = n if rush else seq  # each loop with a rush is the same to the pixel, so that nothing else alerts
            jpeg = jpeg_codec.encode(_noisy(scene(n / FPS, rush=rush and n in RUSH), noise), 85)
            flags = FrameFlag.DISCONTINUITY if seq == 1 else FrameFlag(0)
            at_ns = self._began_ns + media_ns
            message = FrameMessage(seq, at_ns, media_ns, WIDTH, HEIGHT, WIDTH, HEIGHT, flags, jpeg)
            self._world.add(self._keys.frames, message.encode(), message.entry_id)
        self._sent += LOOP
        self._world.capture(CAMERA, captured=self._sent)

    def seen(self) -> bool:
        """Whether all that was sent is judged: scored, or remembered to learn from."""
        state: Any = self._world.bus.hget(self._keys.state, "seq")
        return int(state or 0) >= self._sent

    def corrections(self) -> int:
        """How many count by now."""
        record = self._world.bus.get(self._keys.analysis)
        assert isinstance(record, bytes)
        return getattr(AnalysisStatus.decode(record).corrections, "in_force", 0)


@contextmanager
def working(settings: Settings) -> Iterator[None]:
    """The workers that judge and learn, in threads. None records: the clip is another test's."""
    with in_thread(InferenceWorker(settings)), in_thread(EnrolmentWorker(settings.changed(evidence=False))):
        yield


@pytest.fixture
def site(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Others can reach it, so the first who comes needs the set-up link."""
    monkeypatch.setattr(passwords, "_HASHER", CHEAP)
    for poll in ("workers.inference.worker.POLL_EVERY_S", "workers.inference.camera_registry.POLL_EVERY_S"):
        monkeypatch.setattr(poll, 0.2)
    return settings.changed(host="0.0.0.0", data_dir=tmp_path / "data", self_arm_after_s=20.0, default_profile="motion")


async def test_from_the_set_up_link_to_an_alert_that_is_silenced_and_comes_again(
    page: Page, serve: Serve, site: Settings, world: World
) -> None:
    await page.set_viewport_size({"width": 390, "height": 800})
    world.bus.zadd(keys.SETUP_CODES, {digest(CODE): now_ms() + 600_000})
    await page.goto(f"http://{serve(site)}/#setup={CODE}")
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Password", exact=True).fill("a password with words")
    await page.get_by_role("button", name="Make me the admin").click()
    await expect(page.locator("#no-cameras")).to_be_visible()
    square = Square(world)
    with working(site):
        world.camera(CAMERA, profile="motion", adopted=True)
        world.capture(CAMERA)
        card = page.locator(f"article[data-camera={CAMERA}]")
        await expect(card.locator(".adopted")).to_be_visible()
        await expect(card.locator(".arming")).to_have_text("learning")
        await _learnt(square, world)
        await expect(card.locator(".arming")).to_have_text("provisional")
        await _fed(square, rush=True)
        await expect(page.locator("#alerts li")).to_have_count(1)  # nothing was reloaded
        await _play(page, world, site)
        viewer = page.get_by_role("region", name="The alert")
        await viewer.get_by_role("button", name="Normal here").click()
        await expect(page.locator("#said")).to_contain_text("normal here")
        await eventually(lambda: square.corrections() == 1)
        rows = page.locator("#view-review .alert-list li")
        await _fed(square, rush=True)
        await page.get_by_role("button", name="Undo").click()
        await eventually(lambda: square.corrections() == 0)
        await expect(rows).to_have_count(1)  # the same thing again was silent
        await _fed(square, rush=True)
        await expect(rows).to_have_count(2)


def _noisy(rgb: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """As a sensor shows it. Where all rounds are the same to the pixel, the least that differs is rare."""
    noise = np.random.default_rng(seed).normal(0, 2, rgb.shape)
    return np.clip(rgb + noise, 0, 255).astype(np.uint8)


async def _fed(square: Square, *, rush: bool = False) -> None:
    square.loop(rush=rush)
    await eventually(square.seen)


async def _learnt(square: Square, world: World) -> None:
    """Normal is shown until the camera has learnt it by itself."""
    for _ in range(MOST_LOOPS):
        await _fed(square)
        await asyncio.sleep(2)  # what is seen is remembered once a second
        record = world.bus.get(world.keys_of(CAMERA).analysis)
        if isinstance(record, bytes) and AnalysisStatus.decode(record).bank_id:
            return
    raise AssertionError("it learns nothing by itself")


async def _play(page: Page, world: World, site: Settings) -> None:
    """The alert is opened in the review, and its clip plays."""
    row = page.locator("#alerts li")
    alert_id = await row.get_attribute("data-alert")
    assert alert_id
    store_clip(world, site.evidence_dir, alert_id)
    note_evidence(world, alert_id, EvidenceState.READY)
    await page.get_by_role("link", name="Review").click()
    video = page.locator("#view-review video")
    await expect(video).to_be_visible()
    await video.evaluate("v => v.play()")
    await page.wait_for_function("() => document.querySelector('#view-review video').currentTime > 0.2")
