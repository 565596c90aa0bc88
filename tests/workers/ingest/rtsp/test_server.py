"""Cameras that publish to the RTSP endpoint, by programs nobody here wrote; and peers that should not get in."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import parts
import pytest
from ingest_process import captures_of
from ingest_rig import Rig, program, running, write_video
from waiting import PATIENCE_S, eventually

from patchwatch.contract.errors import PortTakenError
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState, Reason
from workers.ingest.rtsp.server import RtspServer


def by_ffmpeg(file: Path, url: str, transport: str = "tcp") -> tuple[str, ...]:
    return (
        parts.ffmpeg(), "-re", "-stream_loop", "-1", "-i", str(file), "-c", "copy",
        "-f", "rtsp", "-rtsp_transport", transport, url,
    )  # fmt: skip


def by_gstreamer(url: str, protocols: str) -> tuple[str, ...]:
    return (
        parts.gst_launch(), "videotestsrc", "is-live=true", "pattern=ball", "!",
        "video/x-raw,width=320,height=240,framerate=25/1", "!", "x264enc", "tune=zerolatency", "key-int-max=25", "!",
        "rtspclientsink", f"location={url}", f"protocols={protocols}",
    )  # fmt: skip


def by_gstreamer_with_sound(url: str, protocols: str) -> tuple[str, ...]:
    sound = ("name=sink", "audiotestsrc", "is-live=true", "!", "audioconvert", "!", "alawenc", "!", "sink.")
    return (*by_gstreamer(url, protocols), *sound)


@pytest.fixture
def clip(media: Path) -> Path:
    return write_video(media / "clip.mp4", seconds=3)


@pytest.fixture
def talkie(clip: Path) -> Path:
    """The clip with sound."""
    path = clip.with_name("talkie.mp4")
    sound = ("-f", "lavfi", "-i", "sine=r=8000:d=3", "-c:v", "copy", "-c:a", "aac", str(path))
    subprocess.run((parts.ffmpeg(), "-v", "error", "-i", str(clip), *sound), check=True)
    return path


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_ffmpeg_publishes_leaves_and_comes_back(rig: Rig, clip: Path, transport: str) -> None:
    await rig.put(Camera(id="door"))
    status = await rig.until("door", CaptureState.OFFLINE)
    assert status.reason is Reason.NO_PUBLISHER
    publish = by_ffmpeg(clip, f"rtsp://127.0.0.1:{rig.port}/door", transport)
    with program(*publish):
        before = await rig.frames_above("door", 0, count=10)
        await rig.until("door", CaptureState.LIVE)
    status = await rig.until("door", CaptureState.OFFLINE)
    assert status.reason is Reason.NO_PUBLISHER
    with program(*publish):
        after = await rig.frames_above("door", status.captured)
        assert (await rig.until("door", CaptureState.LIVE)).reconnects == 1
    assert after[0].seq == status.captured + 1 > before[-1].seq
    assert after[0].discontinuity


@pytest.mark.parametrize("protocols", ["tcp", "udp"])
async def test_gstreamer_publishes_leaves_and_comes_back(rig: Rig, protocols: str) -> None:
    await rig.put(Camera(id="yard"))
    publish = by_gstreamer(f"rtsp://127.0.0.1:{rig.port}/yard", protocols)
    await rig.until("yard", CaptureState.OFFLINE)
    with program(*publish) as sink:
        await rig.frames_above("yard", 0, count=10)
        sink.send_signal(signal.SIGINT)
        status = await rig.until("yard", CaptureState.OFFLINE)
        assert status.reason is Reason.NO_PUBLISHER
    with program(*publish):
        await rig.frames_above("yard", status.captured)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("tracks", [(), ("-map", "0:a", "-map", "0:v"), ("-map", "0:v", "-map", "0:a", "-map", "0:v")])
async def test_ffmpeg_may_send_sound_and_several_tracks(
    rig: Rig, talkie: Path, transport: str, tracks: tuple[str, ...]
) -> None:
    await rig.put(Camera(id="yard"))
    await rig.until("yard", CaptureState.OFFLINE)
    publish = by_ffmpeg(talkie, f"rtsp://127.0.0.1:{rig.port}/yard/", transport)
    at = publish.index("-c")
    with program(*publish[:at], *tracks, *publish[at:]):
        await rig.frames_above("yard", 0, count=10)
        assert (await rig.until("yard", CaptureState.LIVE)).codec == "h264"


@pytest.mark.parametrize("protocols", ["tcp", "udp"])
async def test_gstreamer_may_send_sound(rig: Rig, protocols: str) -> None:
    await rig.put(Camera(id="yard"))
    await rig.until("yard", CaptureState.OFFLINE)
    with program(*by_gstreamer_with_sound(f"rtsp://127.0.0.1:{rig.port}/yard", protocols)):
        await rig.frames_above("yard", 0, count=10)


async def test_sound_alone_is_refused_and_the_status_says_so(rig: Rig, talkie: Path) -> None:
    await rig.put(Camera(id="yard"))
    await rig.until("yard", CaptureState.OFFLINE)
    publish = by_ffmpeg(talkie, f"rtsp://127.0.0.1:{rig.port}/yard")
    at = publish.index("-c")
    process = await asyncio.create_subprocess_exec(
        *publish[:at], "-map", "0:a", *publish[at:], stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert b"method ANNOUNCE failed: 415 no video track, only audio - publish one with pictures" in said
    status = await rig.until("yard", lambda status: status.reason is Reason.NO_VIDEO)
    assert status.state is CaptureState.OFFLINE
    assert status.detail.startswith("a publisher at 127.0.0.1 was refused: no video track")


async def test_the_error_about_an_unreadable_stream_hides_the_internal_address(
    make_settings: Callable[..., Settings], clip: Path
) -> None:
    async with running(make_settings(max_picture_px=50_000)) as rig:
        await rig.put(Camera(id="yard"))
        await rig.until("yard", CaptureState.OFFLINE)
        with program(*by_ffmpeg(clip, f"rtsp://127.0.0.1:{rig.port}/yard")) as publisher:
            status = await rig.until("yard", lambda status: status.reason is Reason.PICTURE_SIZE)
            await eventually(lambda: publisher.poll() is not None)
        assert status.detail.startswith("the publisher: pictures of 320x240 are larger")


@pytest.mark.parametrize("client", ["ffmpeg", "gst"])
async def test_credentials_are_required_and_checked(
    make_settings: Callable[..., Settings], clip: Path, client: str
) -> None:
    def publish(userinfo: str) -> tuple[str, ...]:
        url = f"rtsp://{userinfo}127.0.0.1:{rig.port}/cam"
        return by_ffmpeg(clip, url) if client == "ffmpeg" else by_gstreamer(url, "tcp")

    async with running(make_settings(publish_username="all", publish_password="house")) as rig:
        await rig.put(Camera(id="cam", publish_username="own", publish_password="pw"))
        await rig.until("cam", CaptureState.OFFLINE)
        for wrong in ("", "own:no@", "all:house@"):
            with program(*publish(wrong)) as process:
                assert await asyncio.to_thread(process.wait, 120) != 0
        assert await rig.frames("cam") == []
        await rig.until("cam", lambda status: status.reason is Reason.AUTH)
        with program(*publish("own:pw@")):
            await rig.frames_above("cam", 0)


async def test_the_newest_publisher_wins(rig: Rig, clip: Path) -> None:
    await rig.put(Camera(id="cam"))
    await rig.until("cam", CaptureState.OFFLINE)
    publish = by_ffmpeg(clip, f"rtsp://127.0.0.1:{rig.port}/cam")
    with program(*publish) as first:
        before = await rig.frames_above("cam", 0)
        with program(*publish) as second:
            await eventually(lambda: first.poll() is not None)
            await rig.frames_above("cam", before[-1].seq + 5)
            await rig.until("cam", CaptureState.LIVE)
            assert second.poll() is None


async def test_an_unknown_publisher_becomes_a_camera_where_that_is_allowed(
    make_settings: Callable[..., Settings], clip: Path
) -> None:
    async with running(make_settings(adopt_publishers="loopback")) as rig:
        with program(*by_ffmpeg(clip, f"rtsp://127.0.0.1:{rig.port}/new-one")):
            await rig.frames_above("new-one", 0)
        made = rig.supervisor.camera("new-one")
        assert made is not None
        assert made.incarnation is not None
        assert made == Camera(id="new-one", source="push:", incarnation=made.incarnation, adopted=True)
        await rig.until("new-one", CaptureState.OFFLINE)
        await eventually(lambda: not captures_of(os.getpid()))


def request(method: str, path: str, cseq: int = 1) -> bytes:
    return f"{method} rtsp://127.0.0.1{path} RTSP/1.0\r\nCSeq: {cseq}\r\n\r\n".encode()


STRANGERS = {
    b"\x16\x03\x01 hello\r\n\r\n": b"400 not RTSP",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n": b"400 not RTSP",
    b"A" * 100_000: b"400 a message of more than 8192 bytes",
    b"ANNOUNCE rtsp://h/cam": b"400 no complete request within 2 s",
    b"OPTIONS rtsp://h/cam RTSP/1.0\r\n\r\n": b"400 a request without CSeq",
    b"ANNOUNCE rtsp://h/cam RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 999999\r\n\r\n": b"400 a body of 999999 bytes",
    request("ANNOUNCE", "/nobody"): b"404 No camera nobody",
    request("ANNOUNCE", "/../../etc/passwd"): b"404 The path must be a camera id",
    request("ANNOUNCE", "/off"): b"403 Camera off is disabled",
    request("ANNOUNCE", "/pulled"): b"403 Camera pulled does not have the source push:",
    request("DESCRIBE", "/cam"): b"405 This endpoint only receives",
    request("PLAY", "/cam", 7): b"405 This endpoint only receives - publish with ANNOUNCE and RECORD\r\nCSeq: 7\r\n",
}


async def test_peers_that_are_no_publishers_get_a_reason_and_are_disconnected(rig: Rig) -> None:
    await rig.put(Camera(id="off", enabled=False))
    await rig.put(Camera(id="pulled", source="rtsp://127.0.0.1:9/x"))
    await rig.put(Camera(id="cam"))
    await rig.until("cam", CaptureState.OFFLINE)

    async def everything_answered_to(data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        writer.write(data)
        async with asyncio.timeout(PATIENCE_S):
            answered = await reader.read()
        writer.close()
        return answered

    answers = await asyncio.gather(*(everything_answered_to(data) for data in STRANGERS))
    for data, answer, expected in zip(STRANGERS, answers, STRANGERS.values(), strict=True):
        assert answer.startswith(b"RTSP/1.0 " + expected), (data[:60], answer)


async def test_a_port_in_use_is_named_with_its_setting(make_settings: Callable[..., Settings]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = make_settings(rtsp_port=other.getsockname()[1])
        with pytest.raises(PortTakenError, match="PATCHWATCH_RTSP_PORT"):
            async with RtspServer(settings, cameras=None):  # type: ignore[arg-type]
                pass
