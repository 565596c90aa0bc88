"""Bytes that are hardly RTSP, at the endpoint: the one connection is refused, a publisher beside it goes on."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import parts
import pytest
from fuzz_tally import Tally
from ingest_rig import program, running, write_video
from mutation import Mutator
from raw_client import exchange
from waiting import PATIENCE_S

from patchwatch.messages.cameras.camera import Camera

KIND = "RTSP requests"
SLOW_CONNECTIONS = 100  # more than the endpoint lets wait
_SDP = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
_DIGEST = b'Digest username="u", realm="Patchwatch", nonce="0", uri="rtsp://127.0.0.1/locked", response="0"'
_ANNOUNCE = (
    b"ANNOUNCE rtsp://127.0.0.1:8554/locked RTSP/1.0\r\nCSeq: 2\r\nAuthorization: %s\r\n"
    b"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s" % (_DIGEST, len(_SDP), _SDP)
)
_SPARE = b"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:streamid=0\r\n"
_SET_UP = (
    b"ANNOUNCE rtsp://h/spare RTSP/1.0\r\nCSeq: 1\r\nContent-Length: %d\r\n\r\n%s"
    b"SETUP rtsp://h/spare/streamid=0 RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP;unicast;client_port=20480-20481;"
    b'mode="record",RTP/AVP/TCP;unicast;interleaved=0-1;mode=record\r\n\r\n$\0\0\3abcGET_PARAMETER * RTSP/1.0\r\n'
    b"CSeq: 3\r\n\r\n" % (len(_SPARE), _SPARE)
)
REQUESTS = [
    _SET_UP,
    b"OPTIONS rtsp://127.0.0.1:8554/locked RTSP/1.0\r\nCSeq: 1\r\n\r\n", b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    _ANNOUNCE, _ANNOUNCE.replace(_DIGEST, b"Basic dTp3cm9uZw=="),
    b"DESCRIBE rtsp://h/locked RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
]  # fmt: skip


async def test_no_bytes_disturb_a_publisher_beside_them(
    tally: Tally, stocked: Any, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stocked.client.flushall()
    video = write_video(tmp_path / "v.mp4", seconds=5.0)
    async with running(stocked.settings) as rig:
        await rig.put(Camera(id="gate", source="push:"))
        await rig.put(Camera(id="spare", source="push:"))
        await rig.put(Camera(id="locked", source="push:", publish_username="u", publish_password="p"))
        url = f"rtsp://127.0.0.1:{rig.port}/gate"
        arguments = [
            "-re",
            "-stream_loop",
            "-1",
            "-i",
            str(video),
            "-c",
            "copy",
            "-f",
            "rtsp",
            "-rtsp_transport",
            "tcp",
        ]
        with program(parts.ffmpeg(), *arguments, url):
            await rig.frames_above("gate", 0)
            with caplog.at_level(logging.ERROR, logger="asyncio"):
                for mutator in tally.mutators(KIND):
                    answer = await asyncio.to_thread(exchange, ("127.0.0.1", rig.port), request(mutator))
                    tally.count(KIND, answer[9:12].decode(errors="replace") or "closed")
            await crowded(rig.port)
            before = await rig.status("gate")
            assert before is not None
            after = await rig.until("gate", lambda status: status.captured > before.captured + 5)
        assert after.reconnects == 0
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


def request(mutator: Mutator) -> bytes:
    whole = mutator.random.choice(REQUESTS)
    match mutator.random.randrange(8):
        case 0:
            return mutator.binary(3000)
        case 1:
            return whole[:-2] + b"X-Any: " + b"a" * mutator.random.choice([10, 7000, 100_000]) + b"\r\n\r\n"
        case 2:
            target = mutator.random.choice(
                [b"rtsp://[::/locked", b"rtsp://h:99999999/locked", b"rtsp://h/%ff%00", b"//"]
            )
            return b"OPTIONS " + target + b" RTSP/1.0\r\nCSeq: 1\r\n\r\n"
        case 3:
            return whole * mutator.random.choice([2, 50])
        case _:
            return mutator.damaged(whole)


async def crowded(port: int) -> None:
    """Many who say one byte and no more: each is sent away in the time that a request may take."""
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(SLOW_CONNECTIONS)]
    for _, writer in connections:
        writer.write(b"O")
    async with asyncio.timeout(PATIENCE_S):
        for reader, _ in connections:
            try:
                await reader.read()
            except ConnectionError:
                continue
    for _, writer in connections:
        writer.close()
