"""Cameras that publish to the RTSP endpoint, by programs nobody here wrote; and peers that should not get in."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from ingest_rig import Rig, eventually, program, running, write_video

from patchwatch.errors import PortTakenError
from patchwatch.messages.camera import Camera
from patchwatch.messages.status import CaptureState, Reason
from patchwatch.settings import Settings
from workers.ingest.endpoint import Endpoint


def by_ffmpeg(file: Path, url: str, transport: str = "tcp") -> tuple[str, ...]:
    return (
        "ffmpeg", "-re", "-stream_loop", "-1", "-i", str(file), "-c", "copy",
        "-f", "rtsp", "-rtsp_transport", transport, url,
    )  # fmt: skip


def by_gstreamer(url: str, protocols: str) -> tuple[str, ...]:
    return (
        "gst-launch-1.0", "videotestsrc", "is-live=true", "pattern=ball", "!",
        "video/x-raw,width=320,height=240,framerate=25/1", "!", "x264enc", "tune=zerolatency", "key-int-max=25", "!",
        "rtspclientsink", f"location={url}", f"protocols={protocols}",
    )  # fmt: skip


@pytest.fixture
def clip(media: Path) -> Path:
    return write_video(media / "clip.mp4", seconds=3)


@pytest.mark.ffmpeg
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


@pytest.mark.gst
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


@pytest.mark.ffmpeg
@pytest.mark.gst
@pytest.mark.parametrize("client", ["ffmpeg", "gst"])
async def test_credentials_are_asked_for_and_checked(
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
                await eventually(lambda process=process: process.poll() is not None)
                assert process.returncode != 0
        assert await rig.frames("cam") == []
        with program(*publish("own:pw@")):
            await rig.frames_above("cam", 0)


@pytest.mark.ffmpeg
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


@pytest.mark.ffmpeg
async def test_an_unknown_publisher_becomes_a_camera_where_that_is_allowed(
    make_settings: Callable[..., Settings], clip: Path
) -> None:
    async with running(make_settings(accept_unknown_publishers=True)) as rig:
        with program(*by_ffmpeg(clip, f"rtsp://127.0.0.1:{rig.port}/new-one")):
            await rig.frames_above("new-one", 0)
        camera = rig.supervisor.camera("new-one")
        assert camera is not None
        assert camera == Camera(id="new-one", source="push:", incarnation=camera.incarnation)
        assert camera.incarnation is not None


def request(method: str, path: str, cseq: int = 1) -> bytes:
    return f"{method} rtsp://127.0.0.1{path} RTSP/1.0\r\nCSeq: {cseq}\r\n\r\n".encode()


STRANGERS = {
    b"\x16\x03\x01 hello\r\n\r\n": b"400 not RTSP",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n": b"400 not RTSP",
    b"A" * 100_000: b"400 a request of more than 8192 bytes",
    b"ANNOUNCE rtsp://h/cam": b"400 no complete request within 2 s",
    b"OPTIONS rtsp://h/cam RTSP/1.0\r\n\r\n": b"400 a request without CSeq",
    b"ANNOUNCE rtsp://h/cam RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 999999\r\n\r\n": b"400 a body of 999999 bytes",
    request("OPTIONS", "/nobody"): b"404 No camera nobody",
    request("ANNOUNCE", "/../../etc/passwd"): b"404 The path must be a camera id",
    request("ANNOUNCE", "/off"): b"403 Camera off is disabled",
    request("ANNOUNCE", "/pulled"): b"403 Camera pulled does not have the source push:",
    request("DESCRIBE", "/cam"): b"405 This endpoint only receives",
    request("PLAY", "/cam", 7): b"405 This endpoint only receives - publish with ANNOUNCE and RECORD\r\nCSeq: 7\r\n",
}


async def test_peers_that_do_not_belong_are_told_so_and_closed(rig: Rig) -> None:
    await rig.put(Camera(id="off", enabled=False))
    await rig.put(Camera(id="pulled", source="rtsp://127.0.0.1:9/x"))
    await rig.put(Camera(id="cam"))
    await rig.until("cam", CaptureState.OFFLINE)

    async def everything_answered_to(data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        writer.write(data)
        async with asyncio.timeout(20):
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
            async with Endpoint(settings, cameras=None):  # type: ignore[arg-type]
                pass
