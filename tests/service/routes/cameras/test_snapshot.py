from __future__ import annotations

import time

import cv2
import httpx
import numpy as np
from service_world import World

from patchwatch.messages.cameras.zones.privacy_marks import marks_of


def _pixels(answer: httpx.Response) -> np.ndarray:
    assert answer.headers["content-type"] == "image/jpeg"
    pixels = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return pixels


def _scene(world: World, score: float) -> None:
    world.camera()
    world.analysis()
    for seq in (6, 7, 8):
        world.frame(seq)
    world.score(time.time_ns() // 1_000_000, value=score, seq=7)  # its region is 100,50,200,150 of a 640x360 picture
    world.commit(7, [[400, 100, 600, 300, "person", 0.91]], {"scored": 7})


async def test_boxes_are_drawn_on_the_scored_frame_in_its_own_pixels(api: httpx.AsyncClient, world: World) -> None:
    _scene(world, score=0.1)
    answer = await api.get("/api/v1/cameras/gate/snapshot.jpg")
    assert answer.headers["x-patchwatch-seq"] == "7"
    picture = _pixels(answer)
    assert picture.shape == (180, 320, 3), "half the size of the camera's own picture"
    green = picture[100, 200].astype(int)  # left edge of the box: x = 400 / 2
    assert green[1] > green[2] + 60
    assert abs(picture[100, 250].astype(int) - 60).max() < 20, "the inside is left as it is"
    red = picture[:, :, 2].astype(int) - picture[:, :, 1]
    assert red.max() < 60, "no region below the threshold"


async def test_the_region_behind_a_high_score_is_drawn(api: httpx.AsyncClient, world: World) -> None:
    _scene(world, score=0.95)
    red = _pixels(await api.get("/api/v1/cameras/gate/snapshot.jpg"))[60, 50].astype(int)  # left edge: x = 100 / 2
    assert red[2] > red[1] + 60


async def test_boxes_can_be_left_out(api: httpx.AsyncClient, world: World) -> None:
    _scene(world, score=0.95)
    picture = _pixels(await api.get("/api/v1/cameras/gate/snapshot.jpg?boxes=false"))
    assert abs(picture.astype(int) - 60).max() < 5


async def test_before_any_score_the_newest_frame_is_shown_plain(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    world.frame(1)
    world.frame(2)
    answer = await api.get("/api/v1/cameras/gate/snapshot.jpg")
    assert (answer.headers["x-patchwatch-seq"], answer.headers["x-patchwatch-analysed"]) == ("2", "false")


async def test_without_frames_there_is_no_picture(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    answer = await api.get("/api/v1/cameras/gate/snapshot.jpg")
    assert answer.status_code == 404
    assert "/api/v1/cameras/gate/status" in answer.json()["detail"]


async def test_a_corrupt_frame_is_a_problem_not_a_crash(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    world.frame(1, picture=b"no jpeg")
    world.commit(1, [], {"scored": 1})
    assert (await api.get("/api/v1/cameras/gate/snapshot.jpg")).status_code == 404


async def test_a_frame_from_before_a_privacy_zone_is_not_shown(api: httpx.AsyncClient, world: World) -> None:
    corners = [(0.0, 0.0), (0.5, 0.0), (0.5, 0.5)]
    camera = world.camera(zones=[{"name": "window", "kind": "privacy", "points": corners}])
    world.frame(6)
    world.commit(6, [], {"scored": 6})
    answer = await api.get("/api/v1/cameras/gate/snapshot.jpg")
    assert answer.status_code == 404
    assert "ask again in some seconds" in answer.json()["detail"]
    world.frame(7, hidden=marks_of(camera.privacy))
    assert (await api.get("/api/v1/cameras/gate/snapshot.jpg")).headers["x-patchwatch-seq"] == "7"
