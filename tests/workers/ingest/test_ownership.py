"""Each camera is captured by one of several ingest workers, and every frame is accounted for across hand-overs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import parts
import pytest
from ingest_process import captures_of, ingest_process
from ingest_rig import Rig, program, running, write_video
from rtsp_peer import Peer
from waiting import PATIENCE_S, eventually

from patchwatch.bus.connection import connect_async
from patchwatch.bus.keys import LeaseKeys
from patchwatch.contract.errors import ConflictError, NotFoundError
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState, CaptureStatus
from workers.ingest import supervisor
from workers.ingest.capture.capture_status import CaptureStatusTracker

Make = Callable[..., Settings]


def captured_by(*rigs: Rig) -> list[set[str]]:
    return [set(rig.supervisor._running) for rig in rigs]


async def owner_pid(rig: Rig, camera_id: str) -> int:
    value = await rig.client.get(LeaseKeys.for_capture(camera_id, rig.settings.partitions).lease)
    return int(value.decode().rsplit("-", 4)[1]) if isinstance(value, bytes) else 0


def looped(camera_id: str, path: Path) -> Camera:
    return Camera(id=camera_id, source=f"file:{path}", loop=True)


async def captured_above(rig: Rig, camera_id: str, captured: int) -> CaptureStatus:
    return await rig.until(camera_id, lambda status: status.captured > captured and status.state is CaptureState.LIVE)


@pytest.fixture
def clip(media: Path) -> Path:
    return write_video(media / "clip.mp4", seconds=3)


@pytest.fixture
async def rig(make_settings: Make) -> AsyncIterator[Rig]:
    """What a user sees, without a worker."""
    settings = make_settings()
    assert settings.redis_url
    async with connect_async(settings.redis_url.get_secret_value()) as client:
        yield Rig(settings, client, None, 0)  # type: ignore[arg-type]


async def test_cameras_are_shared_and_each_is_captured_once(make_settings: Make, clip: Path) -> None:
    names = {"a", "b", "c", "d"}
    async with running(make_settings()) as first:
        for name in names:
            await first.put(looped(name, clip))
        await eventually(lambda: captured_by(first) == [names])
        async with running(make_settings()) as second:
            await eventually(lambda: [len(mine) for mine in captured_by(first, second)] == [2, 2])
            assert set.union(*captured_by(first, second)) == names
            for name in names:
                await captured_above(first, name, 0)
        await eventually(lambda: captured_by(first) == [names])
        for name in names:
            await captured_above(first, name, (await first.status(name) or pytest.fail(name)).captured)


async def test_a_camera_that_changes_as_it_is_to_move_is_handed_over(
    make_settings: Make, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(make_settings()) as first:
        for name in ("a", "b"):
            await first.put(looped(name, clip))
        await eventually(lambda: captured_by(first) == [{"a", "b"}])
        end = first.supervisor._end

        async def end_late(tasks: list[asyncio.Task[None]]) -> None:
            await end(tasks)
            if tasks:
                await eventually(lambda: first.supervisor._leases.leaving)

        monkeypatch.setattr(first.supervisor, "_end", end_late)
        for name in ("a", "b"):
            await first.put(looped(name, clip).model_copy(update={"analysis_fps": 5.0}))
        async with running(make_settings()) as second:
            await eventually(lambda: [len(mine) for mine in captured_by(first, second)] == [1, 1])


async def publish_in_vain(rig: Rig, unit: LeaseKeys, heir: Rig, status: CaptureStatusTracker) -> None:
    """Let Redis forget the lease, time and again, until a frame could not be published for that."""
    before = status.current().unpublished
    async with asyncio.timeout(PATIENCE_S):
        while status.current().unpublished == before:
            heir.supervisor._leases.claim(unit)  # or the other worker would take it, once an earlier claim is forgotten
            await rig.client.decr(unit.fence)
            await rig.client.delete(unit.lease)
            await asyncio.sleep(0.05)


async def test_every_frame_is_accounted_for_across_hand_overs(rig: Rig, make_settings: Make, clip: Path) -> None:
    await rig.put(looped("cam", clip))
    unit = LeaseKeys.for_capture("cam", rig.settings.partitions)
    settings = make_settings(queue_frames=10_000)
    async with running(settings) as first, running(settings) as second:
        await captured_above(rig, "cam", 0)
        for heir in (first, second, first, second):
            await eventually(partial(heir.supervisor._leases.claim, unit))
            await eventually(partial(heir.supervisor._running.get, "cam"))
            status = heir.supervisor._running["cam"].capture.status
            await publish_in_vain(rig, unit, heir, status)
            await captured_above(rig, "cam", status.captured + 3)
        assert captured_by(first, second) == [set(), {"cam"}]
    last, frames = await rig.status("cam"), await rig.frames("cam")
    assert last is not None
    assert (last.captured, last.unpublished) == (frames[-1].seq, last.captured - len(frames))
    assert last.unpublished >= 4
    at_ns = [frame.captured_at_ns for frame in frames]
    assert at_ns == sorted(set(at_ns))


async def test_a_recording_is_read_to_its_end_by_who_began_it(make_settings: Make, clip: Path) -> None:
    async with running(make_settings()) as first:
        for name in ("a", "b", "c"):
            await first.put(Camera(id=name, source=f"file:{clip}"))
        for name in ("a", "b", "c"):
            await first.until(name, lambda status: status.captured > 0)
        async with running(make_settings()):
            ended = [await first.until(name, CaptureState.ENDED) for name in ("a", "b", "c")]
    assert {status.captured for status in ended} == {15}


async def test_a_publisher_may_come_to_any_worker_and_the_newest_wins(make_settings: Make, clip: Path) -> None:
    def publish(rig: Rig) -> tuple[str, ...]:
        source = ("-re", "-stream_loop", "-1", "-i", str(clip), "-c", "copy")
        target = ("-f", "rtsp", "-rtsp_transport", "tcp", f"rtsp://127.0.0.1:{rig.port}/cam")
        return (parts.ffmpeg(), *source, *target)

    async with running(make_settings()) as first, running(make_settings()) as second:
        await first.put(Camera(id="cam"))
        await first.until("cam", CaptureState.OFFLINE)
        with program(*publish(first)) as publisher:
            before = await first.frames_above("cam", 0)
            assert captured_by(first, second) == [{"cam"}, set()]
            with program(*publish(second)) as other:
                await eventually(lambda: publisher.poll() is not None)
                await eventually(lambda: captured_by(first, second) == [set(), {"cam"}])
                frames = await first.frames_above("cam", before[-1].seq + 5)
                assert other.poll() is None
    assert [frame.seq for frame in frames] == list(range(frames[0].seq, frames[-1].seq + 1))


async def test_an_unknown_publisher_becomes_a_camera_of_the_worker_it_came_to(make_settings: Make, clip: Path) -> None:
    settings = make_settings(adopt_publishers="loopback")
    async with running(settings) as first, running(settings) as second:
        for number, rig in enumerate((first, second, first)):
            url = f"rtsp://127.0.0.1:{rig.port}/new-{number}"
            with program(parts.ffmpeg(), "-re", "-stream_loop", "-1", "-i", str(clip), "-c", "copy", "-f", "rtsp", url):
                await rig.frames_above(f"new-{number}", 0)
                assert f"new-{number}" in rig.supervisor._running


async def until_owned_by_another(rig: Rig, pid: int) -> int:
    async with asyncio.timeout(PATIENCE_S):
        while (now := await owner_pid(rig, "cam")) in (0, pid):  # noqa: ASYNC110
            await asyncio.sleep(0.03)
    return now


async def test_a_killed_worker_is_followed_by_another_on_its_machine(rig: Rig, clip: Path) -> None:
    await rig.put(looped("cam", clip))
    with ingest_process(rig.settings) as first, ingest_process(rig.settings) as other:
        status = await captured_above(rig, "cam", 0)
        killed = await owner_pid(rig, "cam")
        os.kill(killed, signal.SIGKILL)
        assert await until_owned_by_another(rig, killed) == ({first.pid, other.pid} - {killed}).pop()
        await captured_above(rig, "cam", status.captured + 3)


@pytest.mark.parametrize("captures_too", [False, True])
async def test_a_worker_that_was_stopped_and_wakes_writes_nothing(rig: Rig, clip: Path, captures_too: bool) -> None:
    await rig.put(looped("cam", clip))
    with ingest_process(rig.settings) as first, ingest_process(rig.settings) as other:
        status = await captured_above(rig, "cam", 0)
        asleep = await owner_pid(rig, "cam")
        captures = captures_of(asleep)
        for pid in [asleep, *captures] if captures_too else [asleep]:
            os.kill(pid, signal.SIGSTOP)
        heir = await until_owned_by_another(rig, asleep)
        status = await captured_above(rig, "cam", status.captured)
        for pid in [asleep, *captures]:
            with contextlib.suppress(ProcessLookupError):  # a capture that was awake has ended by itself
                os.kill(pid, signal.SIGCONT)
        await eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in captures))
        frames = await rig.frames_above("cam", status.captured, count=20)
        assert await owner_pid(rig, "cam") == heir
        assert (first.poll(), other.poll()) == (None, None)
    assert [frame.seq for frame in frames] == list(range(frames[0].seq, frames[-1].seq + 1))
    steps_ms = {round((b.captured_at_ns - a.captured_at_ns) / 1e6) for a, b in pairwise(frames)}
    assert steps_ms == {200}  # Those of one capture


async def test_a_publisher_is_refused_when_the_owner_does_not_hand_over_the_camera(
    make_settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_HAND_OVER_WITHIN_S", 1.0)
    async with running(make_settings()) as here:
        await here.client.set(LeaseKeys.for_capture("cam", here.settings.partitions).lease, "elsewhere:1")
        await here.put(Camera(id="cam"))
        await eventually(lambda: here.supervisor.camera("cam") is not None)
        with pytest.raises(ConflictError, match="another ingest worker"):
            await here.supervisor.admit("cam", "/cam")
        with pytest.raises(NotFoundError):
            await here.supervisor.admit("nobody", "/nobody")
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        peer = Peer(reader, writer)
        answer = await peer.publish()
        assert answer.status == 503
        assert answer.reason.startswith("Try again - camera cam is captured by another ingest worker")
        assert await peer.end() == b""
        writer.close()
