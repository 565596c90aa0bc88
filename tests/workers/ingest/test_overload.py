"""A capture whose analysis is slow: fewer frames are sampled and the camera says so; none is lost from the account."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from ingest_rig import Rig, running, write_video

from patchwatch.bus.connection import connect
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera, Pace
from patchwatch.messages.cameras.capture_status import CaptureState
from workers.ingest.capture.adaptive_rate import Backlog, LoadSample

KEYS = CameraKeys.for_camera("c", 2)


@asynccontextmanager
async def slow_analysis(rig: Rig, camera_id: str, every_s: float) -> AsyncIterator[None]:
    """Scores or drops one frame each ``every_s``, as a commit of the inference worker does."""

    async def decide() -> None:
        seq = 0
        while True:
            await asyncio.sleep(every_s)
            frames = await rig.frames(camera_id)
            newer = [frame.seq for frame in frames if frame.seq > seq]
            if newer:
                seq = newer[0]
                await rig.client.hset(rig.keys(camera_id).state, "seq", seq)
                await rig.client.xtrim(rig.keys(camera_id).frames, minid=f"{seq}-0", approximate=False)

    task = asyncio.create_task(decide())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_slow_analysis_lowers_the_rate_and_the_status_shows_it(
    make_settings: Callable[..., Settings], media: Path
) -> None:
    source = f"file:{write_video(media / 's.mp4', seconds=10)}"
    async with running(make_settings(max_age_s=4, overload_fps=1.25)) as rig:
        await rig.put(Camera(id="slow", source=source, loop=True))
        await rig.put(Camera(id="unscored", source=source, loop=True))
        async with slow_analysis(rig, "slow", every_s=0.5):
            status = await rig.until("slow", lambda status: status.overloaded)
            assert (status.state, status.analysis_fps, status.configured_fps) == (CaptureState.LIVE, 1.25, 5.0)
            lowered = await rig.frames_above("slow", status.captured, count=4)
            seqs = [frame.seq for frame in lowered]
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))  # Others were not captured.
            steps_ns = {b.media_time_ns - a.media_time_ns for a, b in pairwise(lowered)}
            assert min(steps_ns) >= 720_000_000
            ahead_ns = [frame.preceding.ahead_ns if frame.preceding else 0 for frame in lowered]
            assert ahead_ns == [200_000_000] * len(lowered)  # Movement is measured over the same interval as before.
        other = await rig.until("unscored", CaptureState.LIVE)
        assert (other.analysis_fps, other.overloaded) == (5.0, False)  # Nothing scores it: that is not an overload.


async def test_a_recording_that_waits_keeps_its_rate(make_settings: Callable[..., Settings], media: Path) -> None:
    source = f"file:{write_video(media / 's.mp4', seconds=60, fps=5)}"
    async with running(make_settings(max_age_s=1, queue_frames=8)) as rig:
        await rig.put(Camera(id="f", source=source, pace=Pace.FAST))
        async with slow_analysis(rig, "f", every_s=0.1):
            frames = await rig.frames_above("f", 60)
        assert (await rig.until("f", lambda _: True)).analysis_fps == 5.0
        assert {b.media_time_ns - a.media_time_ns for a, b in pairwise(frames)} == {200_000_000}


def test_a_sample_is_the_age_of_the_oldest_frame_that_waits(bus_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    with connect(bus_url) as client:
        backlog = Backlog(client, KEYS, queue_frames=4)
        assert backlog.sample() == LoadSample(0.0, decided=0)
        for seq in range(1, 7):
            backlog.add(seq)
            now_s += 1.0
            assert (backlog.sample() is not None) == (now_s >= 101.0)
        client.hset(KEYS.state, "seq", 4)
        now_s += 1.0
        assert backlog.sample() == LoadSample(3.0, decided=4)  # The age of frame 5.
        assert backlog.sample() is None  # At most once a second.
        client.hset(KEYS.state, "seq", 6)
        now_s += 1.0
        assert backlog.sample() == LoadSample(0.0, decided=2)


def test_without_redis_there_is_no_sample() -> None:
    with connect("redis://127.0.0.1:1/0") as client:
        assert Backlog(client, KEYS, queue_frames=4).sample() is None
