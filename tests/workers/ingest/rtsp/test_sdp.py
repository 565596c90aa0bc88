"""Descriptions of tracks: what is read of a publisher's, and what the capture process receives."""

from __future__ import annotations

import contextlib

import pytest
from growth import growth_of
from hypothesis import given
from hypothesis import strategies as st

from patchwatch.contract.errors import InvalidMessageError
from workers.ingest.rtsp.sdp import describe, parse_tracks
from workers.ingest.rtsp.transport import parse_transports

CAMERA = b"""v=0
o=- 1 1 IN IP4 10.0.0.9
s=camera
c=IN IP4 0.0.0.0
t=0 0
a=range:npt=0-
m=application 0 RTP/AVP 107
a=rtpmap:107 vnd.onvif.metadata/90000
a=control:track0
M=Video 0 rtp/avp 98 96 97
b=AS:5000
A=RTPMAP:98 h265/90000
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0IAKeKQ,aM48gA==
a=rtpmap:97 rtx/90000
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc
a=source-filter: incl IN IP4 * 10.0.0.9
a=control:track1
a=framerate:12.5
"""


def test_the_capture_gets_the_video_tracks_without_keys_and_addresses() -> None:
    parsed = parse_tracks(CAMERA)
    assert [(track.media, track.control) for track in parsed] == [("application", "track0"), ("video", "track1")]
    assert parsed[1].encodings == ["H265", "H264", "RTX"]
    assert parsed[1].problem == ""
    assert describe(parsed[1:]).decode().split("\r\n")[5:] == [
        "a=control:*", "m=video 0 RTP/AVP 98 96 97", "a=rtpmap:98 h265/90000", "a=rtpmap:96 H264/90000",
        "a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0IAKeKQ,aM48gA==", "a=rtpmap:97 rtx/90000",
        "a=framerate:12.5", "a=control:track0", "",
    ]  # fmt: skip


@pytest.mark.parametrize("protocol", ["RTP/AVP", "rtp/avpf", "RTP/AVP/TCP", "TCP/RTP/AVP"])
def test_protocols_are_written_in_several_ways(protocol: str) -> None:
    [track] = parse_tracks(f"m=video 0 {protocol} 96\na=rtpmap: 96  h264/90000".encode())
    assert track.problem == ""


@pytest.mark.parametrize("number", ["26", "33"])
def test_formats_that_need_no_map_are_known(number: str) -> None:
    [track] = parse_tracks(f"m=video 0 RTP/AVP {number}".encode())
    assert track.problem == ""


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from([b"m=", b"a=", b"video ", b"\n", b":", b"rtpmap", b" 0 "])).map(b"".join)
)
def test_any_description_is_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(InvalidMessageError):
        parsed = parse_tracks(body)
        assert all(isinstance(track.problem, str) and track.problem.isprintable() for track in parsed)
        assert all(32 <= byte < 127 or byte > 160 or byte in b"\r\n" for byte in describe(parsed))


@pytest.mark.parametrize(
    "line", ["m=video 0 RTP/AVP 96\n", "a=rtpmap:96 H264/90000\n", "a", "a=control:", "m=" + " 1" * 9]
)
def test_a_description_takes_time_in_proportion(line: str) -> None:
    def look(body: bytes) -> None:
        assert all(track.problem is not None for track in parse_tracks(body))

    def make(size: int) -> bytes:
        return b"m=video 0 RTP/AVP 96\n" + (line * (size // len(line))).encode()

    assert growth_of(look, make, size=30_000) < 3


@pytest.mark.parametrize("text", [",", '"', "\\", ";", "=", "a", "RTP/AVP/TCP,", "interleaved=0-1;"])
def test_a_transport_header_takes_time_in_proportion(text: str) -> None:
    assert growth_of(parse_transports, lambda size: text * (size // len(text))) < 3


@given(st.text())
def test_any_transport_header_offers_something_or_nothing(text: str) -> None:
    for transport in parse_transports(text):
        assert transport.over_channels((0, 1)).isprintable()
