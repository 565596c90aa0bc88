"""What publishers say, in all their dialects, is taken or answered with a reason."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

import pytest
from ingest_rig import eventually
from rtsp_peer import AUDIO, HEAD, TCP, VIDEO, Peer, StandIn, endpoint, player_of

from patchwatch.messages.cameras.capture_status import Reason
from workers.ingest.rtsp.server import RtspServer


async def test_video_arrives_byte_for_byte_and_audio_is_discarded(rtsp_server: RtspServer, cameras: StandIn) -> None:
    peer = await Peer.to(rtsp_server.port)
    assert (await peer.ask("OPTIONS")).headers["public"].startswith("OPTIONS, ANNOUNCE")
    assert (await peer.announce(HEAD + AUDIO + VIDEO)).status == 200
    assert (await peer.ask("SETUP", "/streamid=1", Transport=TCP)).status == 200
    answer = await peer.ask("SETUP", "/streamid=0", Transport=TCP.replace("0-1", "2-3"))
    assert answer.headers["transport"] == "RTP/AVP/TCP;unicast;interleaved=2-3;mode=record"
    assert (await peer.ask("RECORD", Range="npt=0.000-")).status == 200
    pictures = [bytes([n]) * (1 + n * 250) for n in range(256)] + [b"x" * 65_535]
    for picture in pictures:
        peer.send(0, b"sound")
        peer.send(2, picture)
        peer.send(3, b"report")
        peer.send(7, b"of no track")
    for picture in pictures:
        assert await cameras.players[0].packet() == (0, picture)
        assert await cameras.players[0].packet() == (1, b"report")


async def test_every_video_track_is_passed_on(rtsp_server: RtspServer, cameras: StandIn) -> None:
    peer = await Peer.to(rtsp_server.port)
    second = VIDEO.replace("streamid=0", "streamid=2").replace("H264", "H265")
    await peer.announce(HEAD + VIDEO + AUDIO + second)
    await peer.ask("SETUP", "/streamid=2", Transport=TCP)
    await peer.ask("SETUP", "/streamid=0", Transport=TCP.replace("0-1", "2-3"))
    assert (await peer.ask("RECORD")).status == 200
    peer.send(0, b"second")
    peer.send(2, b"first")
    assert [await cameras.players[0].packet() for _ in range(2)] == [(2, b"second"), (0, b"first")]


async def test_a_track_that_was_not_set_up_is_not_promised_to_the_capture(
    rtsp_server: RtspServer, cameras: StandIn
) -> None:
    peer = await Peer.to(rtsp_server.port)
    await peer.announce(HEAD + VIDEO + VIDEO.replace("streamid=0", "streamid=2").replace("H264", "H265"))
    await peer.ask("SETUP", "/streamid=2", Transport=TCP)
    assert (await peer.ask("RECORD")).status == 200
    assert cameras.players[0].uri.endswith("/cam")
    peer.send(0, b"second")
    assert await cameras.players[0].packet() == (0, b"second")


TRANSPORTS = [
    'RTP/AVP/TCP;unicast;interleaved=0-1;mode="record"',
    "rtp/avp/tcp; Unicast; INTERLEAVED = 0-1 ; mode=RECORD",
    "RTP/AVP/TCP;mode=receive;interleaved=0-1",
    "RTP/AVP/TCP;unicast;interleaved=0;mode=x=y",
    "RTP/AVP/TCP;unicast",
    "RTP/AVP;unicast;interleaved=0-1",
    "RTP/AVPF/TCP;unicast;interleaved=0-1;ssrc=ABCD",
    "RTP/SAVP/TCP;unicast;interleaved=4-5,RTP/AVP;multicast;port=1-2,RTP/AVP/TCP;unicast;interleaved=0-1",
]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_transports_in_any_order_case_and_quotes(
    rtsp_server: RtspServer, cameras: StandIn, transport: str
) -> None:
    peer = await Peer.to(rtsp_server.port)
    assert (await peer.publish(transport=transport)).status == 200
    peer.send(0, b"picture")
    assert await cameras.players[0].packet() == (0, b"picture")


@pytest.mark.parametrize("transport", ["", ";;;,,,", "RTP/AVP", "RAW/RAW/UDP", "RTP/SAVP/TCP;interleaved=0-1",
    "RTP/AVP;multicast;client_port=1-2", "RTP/AVP/TCP;interleaved=0-70000".replace("TCP", "DCCP"),
    "RTP/AVP;client_port=99999-100000"])  # fmt: skip
async def test_the_refusal_of_a_transport_names_a_supported_one(rtsp_server: RtspServer, transport: str) -> None:
    peer = await Peer.to(rtsp_server.port)
    await peer.announce()
    answer = await peer.ask("SETUP", "/streamid=0", Transport=transport)
    assert (answer.status, answer.reason) == (461, "Unsupported Transport - publish over TCP")
    assert (await peer.ask("SETUP", "/streamid=0", Transport=TCP)).status == 200


async def test_the_status_reports_a_publisher_that_offers_no_other_transport(
    rtsp_server: RtspServer, cameras: StandIn
) -> None:
    peer = await Peer.to(rtsp_server.port)
    await peer.announce()
    await peer.ask("SETUP", "/streamid=0", Transport="RTP/AVP;multicast")
    peer.writer.write_eof()
    await peer.end()
    why = "a publisher at 127.0.0.1 left after the answer: Unsupported Transport - publish over TCP"
    assert cameras.refused == [("cam", Reason.REFUSED, why)]


@pytest.mark.parametrize("first", [0, 2, 256, 1102, 4_294_967_296])
async def test_requests_may_be_numbered_from_anywhere(rtsp_server: RtspServer, first: int) -> None:
    peer = await Peer.to(rtsp_server.port)
    peer.cseq = first - 1
    assert (await peer.ask("OPTIONS")).headers["cseq"] == str(first)
    answer = await peer.publish()
    assert (answer.status, answer.headers["cseq"]) == (200, str(first + 3))


@pytest.mark.parametrize(
    ("controls", "setups"),
    [
        (["streamid=0", "streamid=1"], ["rtsp://h/cam/streamid=0", "rtsp://h/cam/streamid=1"]),
        (["trackID=1", "trackID=2"], ["rtsp://h/trackID=1", "rtsp://h/trackID=2"]),
        (["trackID=1", "trackID=2"], ["rtsp://h/cam/trackID=2/", "rtsp://h/cam/trackID=1/"]),
        (["rtsp://10.0.0.1/v", "rtsp://10.0.0.1/a"], ["rtsp://10.0.0.1/v", "rtsp://10.0.0.1/a"]),
        (["v", "a"], ["rtsp://h/cam?token=a/b/v", "rtsp://h/cam?token=a/b/a"]),
        (["", ""], ["rtsp://h/cam", "rtsp://h/cam/"]),
        (["video", "audio"], ["rtsp://h/video", "rtsp://h/audio"]),
        (["a b", "c"], ["rtsp://h/cam/a%20b", "rtsp://h/cam/c"]),
    ],
)
async def test_tracks_are_found_however_their_address_is_put_together(
    rtsp_server: RtspServer, cameras: StandIn, controls: list[str], setups: list[str]
) -> None:
    peer = await Peer.to(rtsp_server.port)
    lines = [f"a=control:{control}\r\n" if control else "" for control in controls]
    await peer.announce(HEAD + VIDEO.split("a=control")[0] + lines[0] + AUDIO.split("a=control")[0] + lines[1])
    for number, uri in enumerate(setups):
        transport = TCP.replace("0-1", f"{2 * number}-{2 * number + 1}")
        assert (await peer.ask("SETUP", uri=uri, Transport=transport)).status == 200
    assert (await peer.ask("RECORD")).status == 200
    video_channel = 2 if setups[0].rstrip("/").endswith("trackID=2") else 0
    peer.send(video_channel, b"picture")
    assert await cameras.players[0].packet() == (0, b"picture")


@pytest.mark.parametrize("path", ["/", "?token=abc", "/?a=b/c", "//", "%2f"])
async def test_slashes_and_a_query_after_the_camera_do_not_matter(rtsp_server: RtspServer, path: str) -> None:
    peer = await Peer.to(rtsp_server.port)
    peer.uri += path
    assert (await peer.publish()).status == 200


@pytest.mark.parametrize("camera", ["Cam", "live/cam", "cam/stream1", "cam%20", "", "c" * 64])
async def test_the_refusal_of_a_path_shows_the_form_of_a_camera_id(rtsp_server: RtspServer, camera: str) -> None:
    peer = await Peer.to(rtsp_server.port, camera)
    answer = await peer.announce()
    assert answer.status == 404
    assert answer.reason.startswith("The path must be a camera id")


async def test_odd_line_ends_and_header_names_are_accepted(rtsp_server: RtspServer) -> None:
    peer = await Peer.to(rtsp_server.port)
    body = (HEAD + VIDEO).replace("\r\n", "\n")
    peer.writer.write(b"\r\n\r\nannounce rtsp://h/cam RTSP/1.0\ncseq :  7 \nCONTENT-LENGTH: %d\n\n" % len(body))
    peer.writer.write(body.encode() + b"\r\n")
    answer = await peer.answer()
    assert (answer.status, answer.headers["cseq"]) == (200, "7")
    peer.writer.write(
        b"SETUP rtsp://h/cam RTSP/1.0\r\nTransport: RTP/AVP/TCP;unicast;\r\n interleaved=0-1\r\nCSeq: 8\r\n\r\n"
    )
    assert "interleaved=0-1" in (await peer.answer()).headers["transport"]


@pytest.mark.parametrize("method", ["OPTIONS", "GET_PARAMETER", "SET_PARAMETER", "PAUSE", "RECORD"])
async def test_a_session_is_kept_alive_while_it_records(rtsp_server: RtspServer, cameras: StandIn, method: str) -> None:
    peer = await Peer.to(rtsp_server.port)
    await peer.publish()
    for number in range(3):
        peer.send(0, bytes([number]))
        assert (await peer.ask(method)).status == 200
        assert await cameras.players[0].packet() == (0, bytes([number]))


async def test_the_refusal_of_a_request_out_of_order_names_the_missing_one(rtsp_server: RtspServer) -> None:
    peer = await Peer.to(rtsp_server.port)
    assert (await peer.ask("SETUP", Transport=TCP)).reason == "ANNOUNCE first"
    assert (await peer.ask("RECORD")).status == 455
    await peer.announce(HEAD + AUDIO + VIDEO)
    assert (await peer.ask("RECORD")).reason == "Set up a video track first"
    await peer.ask("SETUP", "/streamid=1", Transport=TCP)
    assert (await peer.ask("RECORD")).reason == "Set up a video track first"
    assert (await peer.ask("SETUP", uri="rtsp://h/other/x", Transport=TCP)).reason == (
        "This connection publishes to camera cam"
    )
    await peer.ask("SETUP", "/streamid=0", Transport=TCP)
    assert (await peer.ask("RECORD", uri="rtsp://h/other")).status == 404
    assert (await peer.ask("RECORD")).status == 200
    assert (await peer.ask("SETUP", "/streamid=1", Transport=TCP)).status == 455


@pytest.mark.parametrize(
    ("sdp", "why", "reason"),
    [
        (HEAD + AUDIO, "no video track, only audio - publish one with pictures", Reason.NO_VIDEO),
        (HEAD + "m=video 0 RTP/SAVP 96\r\na=rtpmap:96 H264/90000\r\n", "video over RTP/SAVP is not read", Reason.CODEC),
        (HEAD + VIDEO.replace("H264", "H299"), "the video codec (H299) is not read - set the camera to H.264 or H.265",
         Reason.CODEC),
        (HEAD + "m=video 0 RTP/AVP 96\r\n", "the video codec (unnamed) is not read", Reason.CODEC),
    ],
)  # fmt: skip
async def test_a_description_without_readable_pictures_is_refused_and_the_status_says_so(
    rtsp_server: RtspServer, cameras: StandIn, sdp: str, why: str, reason: Reason
) -> None:
    peer = await Peer.to(rtsp_server.port)
    answer = await peer.announce(sdp)
    assert (answer.status, answer.headers["cseq"]) == (415, "1")
    assert answer.reason.startswith(why)
    assert await peer.end() == b""
    [(camera, shown, detail)] = cameras.refused
    assert (camera, shown) == ("cam", reason)
    assert detail.startswith(f"a publisher at 127.0.0.1 was refused: {why}")


async def test_no_description_at_all_is_refused(rtsp_server: RtspServer) -> None:
    peer = await Peer.to(rtsp_server.port)
    answer = await peer.announce("hello")
    assert answer.reason == "an ANNOUNCE without a description of its tracks (SDP)"


async def test_one_connection_publishes_again_after_its_end(rtsp_server: RtspServer, cameras: StandIn) -> None:
    peer = await Peer.to(rtsp_server.port)
    await peer.publish()
    assert (await peer.ask("TEARDOWN")).status == 200
    await eventually(cameras.slots[0].left.is_set)
    await peer.publish()
    peer.send(0, b"again")
    assert await cameras.players[1].packet() == (0, b"again")
    await peer.publish()  # without a TEARDOWN: the new ANNOUNCE ends what was before
    assert [slot.left.is_set() for slot in cameras.slots] == [True, True, False]
    peer.send(0, b"once more")
    assert await cameras.players[2].packet() == (0, b"once more")


async def test_a_connection_may_go_on_to_another_camera(rtsp_server: RtspServer, cameras: StandIn) -> None:
    peer = await Peer.to(rtsp_server.port)
    await peer.publish()
    peer.uri = "rtsp://127.0.0.1/other"
    assert (await peer.publish()).status == 200
    assert [slot.url.rpartition("/")[2] for slot in cameras.slots] == ["cam", "other"]


async def test_the_publishers_end_is_the_captures_end(rtsp_server: RtspServer, cameras: StandIn) -> None:
    peer = await Peer.to(rtsp_server.port)
    await peer.publish()
    peer.send(0, b"last")
    peer.close()
    assert await cameras.players[0].packet() == (0, b"last")
    assert await cameras.players[0].end() == b""
    await eventually(cameras.slots[0].left.is_set)


@pytest.mark.parametrize("how", ["ended", "left"])
async def test_the_captures_end_is_the_publishers_end(rtsp_server: RtspServer, cameras: StandIn, how: str) -> None:
    peer = await Peer.to(rtsp_server.port)
    await peer.publish()
    getattr(cameras.slots[0], how).set()
    assert await peer.end() == b""


async def test_a_capture_that_closes_is_not_taken_for_a_publisher_that_leaves(
    rtsp_server: RtspServer, cameras: StandIn
) -> None:
    peer = await Peer.to(rtsp_server.port)
    await peer.publish()
    cameras.players[0].close()
    for _ in range(20):
        peer.send(0, bytes(60_000))
    await eventually(lambda: rtsp_server._playbacks._playbacks["cam"]._player._writer.is_closing())  # type: ignore[union-attr]
    assert not cameras.slots[0].left.is_set()
    cameras.slots[0].ended.set()
    assert await peer.end() == b""
    assert cameras.slots[0].left.is_set()


async def test_the_publisher_learns_why_a_capture_does_not_start(cameras: StandIn) -> None:
    cameras.plays = False
    async with endpoint(cameras) as rtsp_server:
        peer = await Peer.to(rtsp_server.port)
        recording = asyncio.create_task(peer.publish())
        await eventually(lambda: bool(cameras.slots))
        cameras.slots[0].end_reason = "too little memory"
        cameras.slots[0].ended.set()
        answer = await recording
        assert (answer.status, answer.reason) == (503, "The capture did not start - too little memory")


async def test_packets_received_before_the_capture_has_started_are_not_lost(cameras: StandIn) -> None:
    cameras.plays = False
    async with endpoint(cameras) as rtsp_server:
        peer = await Peer.to(rtsp_server.port)
        await peer.announce()
        await peer.ask("SETUP", "/streamid=0", Transport=TCP)
        peer.writer.write(peer.request("RECORD", peer.uri, "", {}))
        peer.send(0, b"the key frame")
        assert (await peer.answer()).status == 200  # after a while, capture or not
        player = await player_of(cameras.slots[0].url)
        assert await player.packet() == (0, b"the key frame")
        player.close()


async def test_of_publishers_that_wait_for_one_capture_the_newest_stays(cameras: StandIn) -> None:
    cameras.plays = False

    def slots_are(count: int) -> bool:
        return len(cameras.slots) == count

    async with endpoint(cameras) as rtsp_server:
        peers = [await Peer.to(rtsp_server.port) for _ in range(3)]
        recording = []
        for number, peer in enumerate(peers):
            recording.append(asyncio.create_task(peer.publish()))
            await eventually(partial(slots_are, number + 1))
        outcomes = await asyncio.gather(*recording, return_exceptions=True)
        assert [isinstance(outcome, asyncio.IncompleteReadError) for outcome in outcomes] == [True, True, False]


async def test_reports_of_the_capture_reach_the_publisher(rtsp_server: RtspServer, cameras: StandIn) -> None:
    peer = await Peer.to(rtsp_server.port)
    await peer.publish(transport=TCP.replace("0-1", "4-5"))
    cameras.players[0].send(1, b"receiver report")
    cameras.players[0].send(0, b"nothing that a player sends")
    assert await peer.packet() == (5, b"receiver report")


async def test_what_a_peer_sent_cannot_forge_a_line(rtsp_server: RtspServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="patchwatch.ingest")
    codec = b"m=video 0 RTP/AVP 96\r\na=rtpmap:96 \x1b[31m\xe9/9\r\n"
    announce = b"ANNOUNCE rtsp://h/cam RTSP/1.0\r\nCSeq: 1\r\nContent-Length: %d\r\n\r\n%s"
    for sent in (
        b"OPTIONS rtsp://h/cam RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 1\x0b\x1b[31mFAKE\r\n\r\n",
        b"GET /\x1b[31m\x85FAKE HTTP/1.1\r\n\r\n",
        announce % (len(codec), codec),
    ):
        peer = await Peer.to(rtsp_server.port)
        peer.writer.write(sent)
        assert all(32 <= byte < 127 or byte in b"\r\n" for byte in await peer.end())
    rtsp_server._refusals.close()
    for record in caplog.records:
        assert record.getMessage().isprintable()
        assert record.getMessage().isascii()
        assert len(record.getMessage()) < 300
