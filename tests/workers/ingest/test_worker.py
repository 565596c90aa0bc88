"""The ingest worker as a process: it ends in order, with its children, and outlives Redis."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from ingest_process import captures_of, ingest_process
from ingest_rig import Rig, running, write_video
from redis_process import RedisProcess
from waiting import eventually

from patchwatch.bus.connection import connect_async
from patchwatch.bus.keys import worker
from patchwatch.contract.errors import ConfigurationError
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera, Pace
from patchwatch.messages.cameras.capture_status import CaptureState
from workers.ingest.worker import run


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
async def test_however_it_ends_its_captures_end_too(
    make_settings: Callable[..., Settings], media: Path, number: signal.Signals
) -> None:
    settings = make_settings()
    assert settings.redis_url
    path = write_video(media / "a.mp4", seconds=1)
    async with connect_async(settings.redis_url.get_secret_value()) as client:
        rig = Rig(settings, client, None, 0)  # type: ignore[arg-type]
        await rig.put(Camera(id="a", source=f"file:{path}", loop=True))
        with ingest_process(settings) as process:
            await rig.until("a", CaptureState.LIVE)
            captures = captures_of(process.pid)
            assert len(captures) == 1
            process.send_signal(number)
            await eventually(lambda: process.poll() is not None)
            await eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in captures))
            if number is not signal.SIGKILL:
                assert process.returncode == 0
                await rig.until("a", CaptureState.OFFLINE)
                assert await client.keys(worker("ingest", "*")) == []


async def test_a_file_that_was_read_is_read_again_when_it_changes_not_when_the_worker_restarts(
    make_settings: Callable[..., Settings], media: Path
) -> None:
    settings = make_settings()
    path = write_video(media / "a.mp4", seconds=1)
    camera = Camera(id="a", source=f"file:{path}", pace=Pace.FAST, revision=1)
    async with running(settings) as rig:
        await rig.put(camera)
        captured = (await rig.until("a", CaptureState.ENDED)).captured
    async with running(settings) as rig:
        await rig.put(Camera(id="b", source=f"file:{path}", pace=Pace.FAST))
        await rig.until("b", CaptureState.ENDED)  # as much time as "a" would have needed
        status = await rig.status("a")
        assert status is not None
        assert (status.state, status.captured) == (CaptureState.ENDED, captured)
        await rig.put(camera.model_copy(update={"name": "again", "revision": 2}))
        await rig.until("a", lambda status: status.captured == 2 * captured and status.state is CaptureState.ENDED)


def test_without_a_redis_it_says_which_setting_is_missing() -> None:
    with pytest.raises(ConfigurationError, match="PATCHWATCH_REDIS_URL"):
        run(Settings())


async def test_a_redis_that_dies_and_returns_empty_is_survived(
    make_settings: Callable[..., Settings], media: Path, tmp_path: Path
) -> None:
    path = write_video(media / "a.mp4", seconds=1)
    server = RedisProcess(tmp_path)
    server.start()
    try:
        async with running(make_settings(redis_url=server.url)) as rig:
            await rig.put(Camera(id="a", source=f"file:{path}", loop=True))
            before = await rig.until("a", CaptureState.LIVE)
            server.kill()
            tracker = rig.supervisor._running["a"].capture.status
            await eventually(lambda: tracker.current().unpublished > 3)
            server.start()
            await rig.frames_above("a", before.captured + 3)
            status = await rig.until("a", CaptureState.LIVE)
            assert status.unpublished > 3
            assert status.reconnects == 0
    finally:
        server.close()
