"""A capture blacks out privacy zones, follows their changes, and takes no frame where it cannot read them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from ingest_rig import WITHIN_S, Rig, write_video

from patchwatch.bus import keys
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState, Reason
from workers.media import jpeg_codec

LOWER = {"name": "yard", "kind": "privacy", "points": [[0, 0.6], [1, 0.6], [1, 1], [0, 1]]}
UPPER = {"name": "street", "kind": "privacy", "points": [[0, 0], [1, 0], [1, 0.6], [0, 0.6]]}


def camera(media: Path, *zones: dict[str, Any], revision: int = 1) -> Camera:
    source = f"file:{media / 'a.mp4'}"
    return Camera.model_validate({"id": "a", "source": source, "loop": True, "zones": zones, "revision": revision})


async def brightest(rig: Rig) -> tuple[int, int]:
    """Of the upper and the lower part of the newest frame."""
    frames = await rig.frames("a")
    rgb = jpeg_codec.decode(frames[-1].jpeg) if frames else None
    return (0, 0) if rgb is None else (int(rgb[: rgb.shape[0] // 2].max()), int(rgb[rgb.shape[0] * 2 // 3 :].max()))


async def test_a_zone_is_black_at_once_and_so_is_the_next(rig: Rig, media: Path) -> None:
    write_video(media / "a.mp4", seconds=4)
    await rig.put(camera(media, LOWER))
    await rig.until("a", CaptureState.LIVE)
    above, below = await brightest(rig)
    assert above > 150
    assert below < 20
    for frame in await rig.frames("a"):
        rgb = jpeg_codec.decode(frame.jpeg)
        assert rgb[round(rgb.shape[0] * 0.62) :].max() < 40
    await rig.put(camera(media, UPPER, revision=2))

    async def turned() -> bool:
        above, below = await brightest(rig)
        return above < 40 and below > 150

    async with asyncio.timeout(WITHIN_S):
        while not await turned():  # noqa: ASYNC110
            await asyncio.sleep(0.03)


async def test_no_frame_is_taken_while_the_zones_cannot_be_read(rig: Rig, media: Path) -> None:
    write_video(media / "a.mp4", seconds=4)
    await rig.client.hset(keys.CAMERAS, "a", camera(media, LOWER).encode().replace(b"0.6", b"6.6"))
    await rig.client.incr(keys.CAMERAS_REVISION)
    status = await rig.until("a", CaptureState.FAILED)
    assert status.reason is Reason.PRIVACY
    assert "no frame is taken" in status.detail
    assert "set them again" in status.detail
    assert await rig.frames("a") == []
    await rig.put(camera(media, LOWER, revision=3))
    await rig.until("a", CaptureState.LIVE)


async def test_a_camera_that_loses_its_zones_to_damage_stops_sending(rig: Rig, media: Path) -> None:
    write_video(media / "a.mp4", seconds=4)
    await rig.put(camera(media, LOWER))
    await rig.until("a", CaptureState.LIVE)
    await rig.client.hset(keys.CAMERAS, "a", camera(media, LOWER).encode().replace(b'"privacy"', b'"blur"'))
    await rig.client.incr(keys.CAMERAS_REVISION)
    status = await rig.until("a", CaptureState.FAILED)
    assert status.reason is Reason.PRIVACY
