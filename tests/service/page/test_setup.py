"""A camera is added and set up in the page: its source is tried, zones are drawn, what was said is undone."""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from service_world import Serve, World, jpeg
from waiting import wait_until

from patchwatch.bus import keys
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.source_test import SourceTestAnswer, SourceTestOrder
from patchwatch.messages.cameras.zones.zone import ZoneKind
from patchwatch.messages.what_if import Basis, WhatIf, WhatIfAnswer, WhatIfOrder
from service import camera_search

FOUND = {
    "cameras": [
        {"name": "Back yard", "id": "back-yard", "source": "rtsp://192.0.2.7/sub", "signed": True},
        {"name": "gate", "id": "gate", "source": "rtsp://192.0.2.8/sub", "signed": True},
        {"name": "old", "id": "old", "reason": "it refuses: check --user"},
    ]
}


def stored(world: World, camera_id: str = "gate") -> Camera:
    return Camera.decode(world.field(keys.CAMERAS, camera_id))


async def test_a_source_is_tried_and_the_camera_added(
    page: Page, serve: Serve, settings: Settings, world: World
) -> None:
    asked: list[SourceTestOrder] = []

    def work() -> None:
        taken = wait_until(lambda: world.bus.lpop(keys.SOURCE_TEST_ORDERS))
        assert isinstance(taken, bytes)
        asked.append(SourceTestOrder.decode(taken))
        picture = base64.b64encode(jpeg()).decode()
        answer = SourceTestAnswer(works=True, text="It works: 320x180, h264.", picture=picture)
        world.bus.rpush(keys.source_test_answer(asked[0].token), answer.encode())

    worker = threading.Thread(target=work)
    worker.start()
    await page.goto(f"http://{serve(settings)}/")
    await page.get_by_role("link", name="Add a camera").click()
    form = page.get_by_role("region", name="Add a camera")
    await form.get_by_role("textbox", name="Name").fill("Back gate")
    await expect(form.get_by_role("textbox", name="Id")).to_have_value("back-gate")
    await form.get_by_role("textbox", name="Address").fill("rtsp://u:s3cret@camera.example/1")
    await form.get_by_role("button", name="Test the connection").click()
    await expect(form.get_by_role("status")).to_have_text("It works: 320x180, h264.")
    await expect(form.get_by_role("img")).to_be_visible()
    worker.join(timeout=15)
    assert asked[0].source == "rtsp://u:s3cret@camera.example/1"
    assert not world.bus.hexists(keys.CAMERAS, "back-gate"), "it was only tried"
    await form.get_by_role("button", name="Add the camera").click()
    await expect(page.get_by_role("heading", name="Back gate")).to_be_visible()
    assert stored(world, "back-gate").source == "rtsp://u:s3cret@camera.example/1"


@pytest_asyncio.fixture(loop_scope="session")
async def setup(page: Page, serve: Serve, settings: Settings, world: World) -> Page:
    """The page of a camera with a picture."""
    world.camera(name="Back gate")
    world.capture()
    world.frame(1)
    world.alert(1_795_860_000_000)
    await page.set_viewport_size({"width": 1280, "height": 1600})  # nothing scrolls away under the pointer
    await page.goto(f"http://{serve(settings)}/#/cameras/gate")
    await expect(page.locator(".zone-canvas img")).to_be_visible()
    return page


async def test_zones_are_drawn_by_pointer_and_by_keys_named_and_saved(
    setup: Page, world: World, tmp_path: Path
) -> None:
    part = setup.get_by_role("region", name="Picture and zones")
    box = await part.locator(".zone-canvas").bounding_box()
    assert box is not None

    async def at(x: float, y: float) -> None:
        await setup.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])

    await part.get_by_role("button", name="Draw a zone").click()
    await at(0.1, 0.2)
    await setup.mouse.down()
    await at(0.5, 0.8)
    await setup.mouse.up()
    await setup.keyboard.type("road")  # its name has the focus
    await part.get_by_role("button", name="Draw a zone").click()
    for keys_pressed in ("Space", "ArrowRight Space", "Shift+ArrowDown Shift+ArrowDown Space", "Enter"):
        for key in keys_pressed.split():
            await setup.keyboard.press(key)
    await setup.keyboard.type("Tür")
    await part.get_by_role("combobox", name="What zone 2 is for").select_option("privacy")
    await part.locator("[data-corner='0']").press("Shift+ArrowLeft")
    await setup.screenshot(path=tmp_path / "zones.png")
    await part.get_by_role("button", name="Save the zones").click()
    await expect(part.get_by_role("status")).to_contain_text("Saved")
    road, door = stored(world).zones
    assert (road.name, road.kind, door.name, door.kind) == ("road", ZoneKind.IGNORE, "Tür", ZoneKind.PRIVACY)
    drawn = [share for corner in road.points for share in corner]
    assert drawn == pytest.approx([0.1, 0.2, 0.5, 0.2, 0.5, 0.8, 0.1, 0.8], abs=0.02)
    assert door.points == ((0.45, 0.5), (0.51, 0.5), (0.51, 0.6))
    await part.get_by_role("button", name="Remove road").click()
    await part.get_by_role("button", name="As saved").click()
    await expect(part.locator(".zone-rows li")).to_have_count(2)


async def test_what_was_said_is_listed_and_undone_and_settings_are_saved(setup: Page, world: World) -> None:
    learning = setup.get_by_role("region", name="Learning")
    await learning.get_by_label("From").fill("2026-11-26T04:00:00")
    await learning.get_by_label("To", exact=True).fill("2026-11-26T04:05:00")
    await learning.get_by_role("button", name="Was normal").click()
    await expect(learning.get_by_role("status")).to_contain_text("can be undone")
    corrections = setup.get_by_role("region", name="Corrections")
    row = corrections.get_by_role("listitem")
    await expect(row).to_contain_text("a time that was normal")
    await corrections.get_by_role("button", name="Undo").click()
    await expect(row).to_contain_text("undone by operator")
    form = setup.get_by_role("region", name="Settings")
    await form.get_by_role("textbox", name="Name").fill("Front gate")
    await form.get_by_label("False alarms a day").fill("2")
    await form.get_by_label("unusual place").check()
    await form.get_by_role("button", name="Save").click()
    await expect(setup.get_by_role("heading", name="Front gate")).to_be_visible()
    camera = stored(world)
    assert (camera.name, camera.false_alarms_per_day, list(camera.muted)) == ("Front gate", 2.0, ["place"])


async def test_cameras_of_the_network_are_found_and_one_is_added(
    page: Page, serve: Serve, settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    async def answer_of(*program: object, question: bytes, **limits: object) -> bytes:
        asked.append(question)
        return json.dumps(FOUND).encode()

    monkeypatch.setattr(camera_search, "answer_of", answer_of)
    world.camera()
    await page.goto(f"http://{serve(settings)}/#/cameras")
    part = page.locator(".find-cameras")
    await part.get_by_text("Find cameras").click()
    await part.get_by_role("combobox", name="Where").select_option("network")
    await part.get_by_label("User of the cameras").fill("admin")
    await part.get_by_label("Password").fill("se/cret")
    await part.get_by_role("button", name="Look for cameras").click()
    await expect(part.get_by_role("status")).to_have_text("3 found.")
    assert json.loads(asked[0])["password"] == "se/cret"
    await expect(part.get_by_role("button", name="Add")).to_have_count(1)
    await expect(part.locator("[data-camera=old]")).to_contain_text("it refuses")
    await part.get_by_role("button", name="Add").click()
    await expect(part.locator("[data-camera=back-yard]").get_by_role("link", name="It is here")).to_be_visible()
    assert stored(world, "back-yard").source == "rtsp://admin:se%2Fcret@192.0.2.7/sub"


async def test_all_cameras_that_another_program_knows_are_added_at_once(
    page: Page, serve: Serve, settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    schemes = {"porch": "rtsp", "yard": "rtsp", "old": "gopher"}  # the last one is refused
    found = [{"id": name, "name": name, "source": f"{scheme}://192.0.2.7/{name}"} for name, scheme in schemes.items()]

    async def answer_of(*program: object, **limits: object) -> bytes:
        return json.dumps({"cameras": found}).encode()

    monkeypatch.setattr(camera_search, "answer_of", answer_of)
    await page.goto(f"http://{serve(settings)}/#/cameras")
    part = page.locator(".find-cameras")  # where there is no camera yet, it is open
    await part.get_by_role("textbox", name="Address").fill("http://nvr:5000")
    await part.get_by_role("button", name="Look for cameras").click()
    await part.get_by_role("button", name="Add all 3").click()
    await expect(part.get_by_role("status")).to_contain_text("2 of 3 are added. old: ")
    await expect(part.get_by_role("link", name="It is here")).to_have_count(2)
    await expect(part.get_by_role("button", name="Add all")).to_be_hidden()  # one is left
    assert stored(world, "yard").source == "rtsp://192.0.2.7/yard"


async def test_a_stretch_of_time_is_tried_on_the_past_before_it_is_learnt(setup: Page, world: World) -> None:
    answer = WhatIf(
        basis=Basis.MEMORY, before=3, after=1, fewer_count=2, more_count=0, from_ms=1_795_850_000_000,
        to_ms=1_795_870_000_000, seconds=20_000.0, frames=100_000, exact=False, notes=("it is a sample",),
    )  # fmt: skip

    def work() -> None:
        taken = wait_until(lambda: world.bus.lpop(keys.WHAT_IF_ORDERS))
        assert isinstance(taken, bytes)
        order = WhatIfOrder.decode(taken)
        assert order.change.change == "learn"
        world.bus.rpush(keys.what_if_answer(order.token), WhatIfAnswer(what_if=answer).encode())

    worker = threading.Thread(target=work)
    worker.start()
    learning = setup.get_by_role("region", name="Learning")
    await learning.get_by_label("From").fill("2026-11-26T04:00:00")
    await learning.get_by_label("To", exact=True).fill("2026-11-26T04:05:00")
    await learning.get_by_role("button", name="Try it on the past").click()
    await expect(learning.get_by_role("status")).to_contain_text("2 alerts fewer")
    await expect(learning.get_by_role("status")).to_contain_text("it is a sample.")
    worker.join(timeout=15)
    assert world.names(keys.CORRECTIONS) == [], "nothing is learnt yet"
