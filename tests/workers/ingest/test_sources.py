"""Files and pulled cameras through a running ingest worker."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from ingest_rig import Rig, free_port, rtsp_camera, running, write_video
from waiting import eventually

from patchwatch.bus import keys
from patchwatch.bus.keys import CAMERAS
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera, Pace
from patchwatch.messages.cameras.capture_status import CaptureState, Reason
from patchwatch.messages.cameras.correction import CameraCorrections
from patchwatch.messages.frames.frame import FrameMessage
from workers.media.container import VideoOptions
from workers.media.video import Video


async def test_a_file_at_real_time_pace_is_published_as_filmed(rig: Rig, media: Path) -> None:
    write_video(media / "a.mp4", seconds=2)
    await rig.put(Camera(id="a", source=f"file:{media / 'a.mp4'}"))
    await rig.until("a", CaptureState.ENDED)
    frames = await rig.frames("a")
    assert [frame.seq for frame in frames] == list(range(1, 11))
    steps = {b.captured_at_ns - a.captured_at_ns for a, b in pairwise(frames)}
    assert steps == {200_000_000}
    assert frames[0].discontinuity
    assert frames[0].live
    assert not any(frame.discontinuity for frame in frames[1:])
    assert [frame.seq for frame in frames if not frame.predicted] == [1, 6], "with a key frame each second"


async def test_a_lossless_file_waits_for_the_reader_and_is_read_as_offline(
    make_settings: Callable[..., Settings], media: Path
) -> None:
    path = write_video(media / "long.mp4", seconds=8)
    async with running(make_settings(queue_frames=8)) as rig:
        await rig.put(Camera(id="f", source=f"file:{path}", pace=Pace.FAST))
        seen: list[FrameMessage] = []
        while len(seen) < 40:
            frames = await rig.frames_above("f", seen[-1].seq if seen else 0, count=1)
            assert len(frames) <= 8
            seen += frames
            await rig.client.hset(rig.keys("f").state, "seq", seen[-1].seq)
            await rig.client.xtrim(rig.keys("f").frames, minid=f"{seen[-1].seq + 1}-0", approximate=False)
        status = await rig.until("f", CaptureState.ENDED)
        assert status.captured == 40
    with Video.open(path, options=VideoOptions()) as video:
        offline = list(video.frames())
    assert [frame.media_time_ns for frame in seen] == [round(frame.media_time_s * 1e9) for frame in offline]
    assert not any(frame.live for frame in seen)


async def test_a_file_that_is_cut_off_ends_and_says_so(rig: Rig, media: Path) -> None:
    whole = write_video(media / "whole.mp4", seconds=4, options={"movflags": "faststart"})
    cut = media / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    for camera_id, path in (("cut", cut), ("whole", whole)):
        await rig.put(Camera(id=camera_id, source=f"file:{path}", pace=Pace.FAST))
    status = await rig.until("cut", CaptureState.ENDED)
    assert status.reason is Reason.CORRUPT
    assert "cut.mp4 breaks off after 2 of 4 s" in status.detail
    status = await rig.until("whole", CaptureState.ENDED)
    assert (status.reason, status.detail) == (None, "")


async def test_a_looped_file_goes_on_with_a_discontinuity(rig: Rig, media: Path) -> None:
    path = write_video(media / "short.mp4", seconds=1)
    await rig.put(Camera(id="loop", source=f"file:{path}", loop=True))
    frames = await rig.frames_above("loop", 0, count=12)
    assert [frame.seq for frame in frames if frame.discontinuity][:3] == [1, 6, 11]
    stamps = [frame.captured_at_ns for frame in frames]
    assert all(b - a == 200_000_000 for a, b in pairwise(stamps))


async def test_a_removed_camera_leaves_nothing_behind(rig: Rig, media: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await rig.put(Camera(id="gone", source=f"file:{write_video(media / 's.mp4', seconds=1)}", loop=True))
    await rig.frames_above("gone", 0)
    await rig.remove("gone")
    await eventually(lambda: rig.supervisor.camera("gone") is None)
    await rig.until_gone("gone")
    await eventually(lambda: "camera gone: removed" in caplog.text)
    assert "left to other ingest workers" not in caplog.text


async def test_a_worker_stopped_while_it_lets_a_camera_go_leaves_no_capture_behind(
    make_settings: Callable[..., Settings], media: Path
) -> None:
    source = f"file:{write_video(media / 's.mp4', seconds=1)}"
    async with running(make_settings()) as rig:
        await rig.put(Camera(id="gone", source=source, loop=True))
        await rig.frames_above("gone", 0)
        for pid in _children():
            os.kill(pid, signal.SIGSTOP)  # it takes its time to go
        await rig.remove("gone")
        await eventually(lambda: rig.supervisor.camera("gone") is None)
    assert _children() == []


async def test_a_disabled_camera_is_shown_as_such_and_comes_back(rig: Rig, media: Path) -> None:
    camera = Camera(id="d", source=f"file:{write_video(media / 's.mp4', seconds=1)}", loop=True)
    await rig.put(camera)
    await rig.until("d", CaptureState.LIVE)
    await rig.put(camera.model_copy(update={"enabled": False, "revision": 1}))
    last = (await rig.until("d", CaptureState.DISABLED)).captured
    await rig.put(camera.model_copy(update={"revision": 2}))
    newer = await rig.frames_above("d", last)
    assert newer[0].seq == last + 1
    assert newer[0].discontinuity


async def test_another_alarm_budget_does_not_disturb_the_capture(rig: Rig, media: Path) -> None:
    camera = Camera(id="b", source=f"file:{write_video(media / 's.mp4', seconds=1)}", loop=True)
    await rig.put(camera)
    before, captures = await rig.frames_above("b", 0), _children()
    await rig.put(camera.model_copy(update={"false_alarms_per_day": 1.0}))
    await rig.supervisor.refresh()
    after = await rig.frames_above("b", before[-1].seq + 3)
    assert _children() == captures
    assert [frame.seq for frame in after] == list(range(after[0].seq, after[-1].seq + 1))
    await rig.put(camera.model_copy(update={"name": "Back", "revision": 1}))
    await rig.supervisor.refresh()
    await eventually(lambda: _children() not in ([], captures))  # any other change starts it again


async def test_a_killed_capture_is_started_again_and_counts_on(rig: Rig, media: Path) -> None:
    await rig.put(Camera(id="k", source=f"file:{write_video(media / 's.mp4', seconds=1)}", loop=True))
    before = await rig.frames_above("k", 0)
    for pid in _children():
        os.kill(pid, signal.SIGKILL)
    status = await rig.until("k", lambda status: status.reason is Reason.CRASHED)
    assert "killed" in status.detail
    after = await rig.frames_above("k", before[-1].seq + 6)
    assert [frame.seq for frame in after] == list(range(after[0].seq, after[-1].seq + 1))
    assert (await rig.until("k", CaptureState.LIVE)).reconnects == 1


async def test_a_flushed_queue_gets_its_cameras_back_and_the_sequence_goes_on(rig: Rig, media: Path) -> None:
    """And what operators said of their normal."""
    said = CameraCorrections(camera_id="r").encode()
    await rig.client.hset(keys.CORRECTIONS, "r", said)
    await rig.client.incr(keys.CORRECTIONS_REVISION)
    await rig.put(Camera(id="r", source=f"file:{write_video(media / 's.mp4', seconds=1)}", loop=True))
    before = await rig.frames_above("r", 0)
    await rig.until("r", CaptureState.LIVE)
    await rig.client.flushall()
    assert (await rig.frames_above("r", before[-1].seq))[0].seq > before[-1].seq
    assert Camera.decode(await rig.client.hget(CAMERAS, "r") or b"").loop
    assert await rig.client.hget(keys.CORRECTIONS, "r") == said


async def test_a_pulled_camera_that_dies_and_returns_is_resumed_with_the_gap_shown(rig: Rig) -> None:
    port = free_port()
    with rtsp_camera(port):
        await rig.put(Camera(id="pull", source=f"rtsp://127.0.0.1:{port}/cam"))
        status = await rig.until("pull", CaptureState.LIVE)
        assert (status.width, status.height, status.codec) == (320, 240, "h264")
        before = await rig.frames_above("pull", 3)
    status = await rig.until("pull", CaptureState.OFFLINE)
    assert status.reason in (Reason.DISCONNECTED, Reason.REFUSED)
    await asyncio.sleep(2.5)  # the gap itself, long enough to count as one
    with rtsp_camera(port):
        status = await rig.until("pull", lambda status: status.last_gap is not None)
        assert status.state is CaptureState.LIVE
        assert status.last_gap is not None
        assert status.last_gap.to_ms - status.last_gap.from_ms > 2000
        assert status.reconnects >= 1
        after = await rig.frames_above("pull", before[-1].seq)
    stamps = [frame.captured_at_ns for frame in await rig.frames("pull")]
    assert stamps == sorted(set(stamps))
    assert any(frame.discontinuity for frame in after)


@pytest.mark.parametrize("auth", ["basic", "digest"])
async def test_a_wrong_password_is_tried_once_and_shown_nowhere(
    rig: Rig, auth: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "patchwatch")
    port = free_port()
    with rtsp_camera(port, "--user", "ann", "--password", "right", "--auth", auth):
        await rig.put(Camera(id="p", source=f"rtsp://ann:geheim77@127.0.0.1:{port}/cam"))
        status = await rig.until("p", CaptureState.FAILED)
        assert status.reason is Reason.AUTH
        assert "password" in status.detail
        await asyncio.sleep(1.5)  # three reconnect intervals
        assert (await rig.until("p", CaptureState.FAILED)).since_ms == status.since_ms
        assert "geheim77" not in status.encode().decode() + caplog.text
        await rig.put(Camera(id="p", source=f"rtsp://ann:right@127.0.0.1:{port}/cam", revision=1))
        await rig.until("p", CaptureState.LIVE)


async def test_a_frozen_camera_is_stalled_then_given_up_then_resumed(rig: Rig) -> None:
    port = free_port()
    with rtsp_camera(port) as server:
        await rig.put(Camera(id="z", source=f"rtsp://127.0.0.1:{port}/cam"))
        await rig.until("z", CaptureState.LIVE)
        server.send_signal(signal.SIGSTOP)
        await rig.until("z", CaptureState.STALLED)
        await rig.until("z", CaptureState.OFFLINE)
        server.send_signal(signal.SIGCONT)
        await rig.until("z", CaptureState.LIVE)


async def test_a_source_that_cannot_work_is_failed_with_its_reason_and_left_alone(
    rig: Rig, media: Path, tmp_path: Path
) -> None:
    outside = write_video(tmp_path / "outside.mp4", seconds=1)
    (media / "link.mp4").symlink_to(outside)
    (media / "text.mp4").write_text("this is a letter\n" * 100)
    write_video(media / "small.mp4", seconds=1, size=(16, 16))
    expected = {
        f"file:{outside}": Reason.FORBIDDEN_PATH,
        f"file:{media}/../outside.mp4": Reason.FORBIDDEN_PATH,
        f"file:{media}/link.mp4": Reason.FORBIDDEN_PATH,
        f"file:{media}/none.mp4": Reason.NOT_FOUND,
        f"file:{media}/text.mp4": Reason.CORRUPT,
        f"file:{media}/small.mp4": Reason.PICTURE_SIZE,
    }
    for number, source in enumerate(expected):
        await rig.put(Camera(id=f"c{number}", source=source))
    for number, (source, reason) in enumerate(expected.items()):
        status = await rig.until(f"c{number}", CaptureState.FAILED)
        assert (source, status.reason) == (source, reason)
        assert status.detail


async def test_an_absent_camera_is_tried_again_and_says_why(rig: Rig) -> None:
    await rig.put(Camera(id="n", source=f"rtsp://ann:geheim77@127.0.0.1:{free_port()}/cam"))
    status = await rig.until("n", lambda status: status.reconnects >= 2)
    assert status.captured == 0
    status = await rig.until("n", CaptureState.OFFLINE)
    assert status.reason is Reason.REFUSED
    assert "next attempt in" in status.detail
    assert "geheim77" not in status.encode().decode()


def _children() -> list[int]:
    task = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    pids = [int(pid) for pid in task.read_text().split()]
    return [pid for pid in pids if b"workers.ingest.capture.capture" in Path(f"/proc/{pid}/cmdline").read_bytes()]
