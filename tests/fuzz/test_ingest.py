"""The ingest worker reads whatever stands among the cameras: it leaves out what is none, and keeps the others going."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fuzz_tally import Tally
from ingest_rig import running, write_video
from mutation import Mutator

from patchwatch.bus import keys
from patchwatch.bus.keys import CameraKeys
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState

KIND = "cameras read by ingest"


async def test_cameras_and_statuses_that_are_none_disturb_no_other(tally: Tally, stocked: Any, tmp_path: Path) -> None:
    client, settings = stocked.client, stocked.settings
    client.flushall()
    sound = write_video(settings.media_dirs[0] / "sound.mp4", seconds=2.0)
    whole = Camera(id="other", source=f"file:{tmp_path}/absent.mp4", analysis_fps=5.0, enabled=False).encode()
    async with running(settings) as rig:
        await rig.put(Camera(id="sound", source=f"file:{sound}", loop=True))
        status = await rig.until("sound", CaptureState.LIVE)
        for mutator in tally.mutators(KIND):
            damage(mutator, client, settings.partitions, whole, status.encode())
            await rig.supervisor.refresh()
            tally.count(KIND, "kept" if rig.supervisor.camera("other") else "left out")
        last = await rig.status("sound")
        assert last is not None
        await rig.until("sound", lambda status: status.captured > last.captured + 5)


def damage(mutator: Mutator, client: Any, partitions: int, camera: bytes, status: bytes) -> None:
    """Another camera, what was known of its capture, and the revision that says to look."""
    of_other = CameraKeys.for_camera("other", partitions)
    client.hdel(keys.CAMERAS, "other")
    field = b"other" if mutator.random.random() < 0.8 else mutator.binary(8)
    client.hset(keys.CAMERAS, field, mutator.damaged(camera))
    client.set(of_other.capture, mutator.damaged(status))
    if mutator.random.random() < 0.2:
        client.set(keys.CAMERAS_REVISION, mutator.binary(8))
    else:
        known = client.get(keys.CAMERAS_REVISION)
        client.set(keys.CAMERAS_REVISION, int(known) + 1 if known.isdigit() else 1)
