"""How captures start, wait, fail and end, seen from outside."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ingest_rig import Rig, write_video
from stub_camera import pictures, stub_camera

from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera, Tls
from patchwatch.messages.cameras.capture_status import CaptureState, Reason
from workers.ingest.capture.process import CaptureProcess
from workers.ingest.capture.protocol import CaptureOrder


async def test_a_camera_joined_between_two_key_frames_waits_for_the_next_on_one_connection(rig: Rig) -> None:
    with stub_camera(stream=pictures(60, key_every=60), first=5) as camera:
        await rig.put(Camera(id="gop", source=f"rtsp://127.0.0.1:{camera.port}/cam"))
        status = await rig.until("gop", lambda status: "waiting for a key frame" in status.detail)
        assert (status.state, status.reason) == (CaptureState.CONNECTING, None)
        status = await rig.until("gop", CaptureState.LIVE)
    assert (status.reconnects, camera.connections) == (0, 1)


async def test_unverified_tls_is_reported(rig: Rig) -> None:
    await rig.put(Camera(id="bare", source="rtsps://127.0.0.1:9/x", tls_verify=False))
    assert (await rig.until("bare", CaptureState.OFFLINE)).tls is Tls.UNVERIFIED


async def test_a_pipe_ends_a_capture_in_seconds(rig: Rig, media: Path) -> None:
    os.mkfifo(media / "x-fifo.mp4")
    await rig.put(Camera(id="pipe", source=f"file:{media / 'x-fifo.mp4'}"))
    status = await rig.until("pipe", CaptureState.FAILED)
    assert "is not a file but a pipe" in status.detail


async def test_a_file_outside_the_media_folders_is_refused_by_its_capture(rig: Rig, tmp_path: Path) -> None:
    await rig.put(Camera(id="out", source=f"file:{write_video(tmp_path / 'out.mp4', seconds=1)}"))
    assert (await rig.until("out", CaptureState.FAILED)).reason is Reason.FORBIDDEN_PATH


async def test_a_camera_that_is_removed_and_added_at_once_is_another(rig: Rig, media: Path) -> None:
    """Without a moment between, in which anybody could have seen that it was gone."""
    path = write_video(media / "one.mp4", seconds=1)
    await rig.put(Camera(id="twice", source=f"file:{path}", revision=1, incarnation="a"))
    await rig.until("twice", CaptureState.ENDED)
    await rig.client.delete(*rig.keys("twice").all)
    await rig.put(Camera(id="twice", source=f"file:{path}", revision=1, incarnation="b"))
    status = await rig.until("twice", lambda s: s.camera_incarnation == "b" and s.state is CaptureState.ENDED)
    assert status.captured == 5
    assert [frame.seq for frame in await rig.frames("twice")] == [1, 2, 3, 4, 5]


async def test_what_a_looped_camera_still_wrote_is_not_its_successors(rig: Rig, media: Path) -> None:
    path = write_video(media / "loop.mp4", seconds=1)
    await rig.put(Camera(id="loop", source=f"file:{path}", loop=True, incarnation="a"))
    await rig.frames_above("loop", 7)
    await rig.put(Camera(id="loop", source=f"file:{path}", incarnation="b"))
    status = await rig.until("loop", lambda s: s.camera_incarnation == "b" and s.state is CaptureState.ENDED)
    assert status.captured == 5
    assert [frame.seq for frame in await rig.frames("loop")] == [1, 2, 3, 4, 5]


def order(redis_url: str) -> CaptureOrder:
    return CaptureOrder.model_validate(
        {
            "camera_id": "c", "kind": "pull", "url": "rtsp://ann:geheim@127.0.0.1:9/x", "analysis_fps": 5.0,
            "max_side_px": 640, "max_picture_px": 10**6, "jpeg_quality": 85, "timeout_s": 2.0, "redis_url": redis_url,
            "partitions": 1, "queue_frames": 8, "lease": "me:1",
        }
    )  # fmt: skip


async def test_a_crash_says_what_it_was() -> None:
    async with asyncio.timeout(60):
        process = await CaptureProcess.start(order("nonsense://"))
        assert await process.report() is None
        await process.stop()
    assert "PATCHWATCH_REDIS_URL" in process.last_stderr_line
    assert "Fatal Python error" not in process.last_stderr_line


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_a_capture_gets_no_secret_of_its_parents(monkeypatch: pytest.MonkeyPatch, bus_url: str) -> None:
    monkeypatch.setenv("PATCHWATCH_API_TOKEN", "TOKVALUE")
    monkeypatch.setenv("PATCHWATCH_PUBLISH_PASSWORD", "PUBVALUE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "AWSVALUE")
    async with asyncio.timeout(60):
        process = await CaptureProcess.start(order(bus_url))
        environment = await asyncio.to_thread(Path(f"/proc/{process.pid}/environ").read_bytes)
        await process.stop()
    assert b"PATH=" in environment
    for secret in (b"PATCHWATCH", b"VALUE", b"geheim"):
        assert secret not in environment


def test_the_setting_reaches_the_capture(make_settings: Callable[..., Settings]) -> None:
    camera = Camera(id="c", source="rtsp://169.254.7.7/x")
    allowing = make_settings(allow_link_local_sources=True)
    assert not CaptureOrder.from_camera(camera, make_settings(), lease=b"1").video_options.allow_link_local
    assert CaptureOrder.from_camera(camera, allowing, lease=b"1").video_options.allow_link_local


async def test_a_camera_at_a_refused_address_fails_with_its_reason(rig: Rig) -> None:
    await rig.put(Camera(id="meta", source="rtsp://169.254.169.254/latest"))
    status = await rig.until("meta", CaptureState.FAILED)
    assert status.reason is Reason.FORBIDDEN_ADDRESS
