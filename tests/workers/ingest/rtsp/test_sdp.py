"""Descriptions of tracks: what is taken of a publisher's, and what the capture is told."""

from __future__ import annotations

import contextlib

import pytest
from growth import growth_of
from hypothesis import given
from hypothesis import strategies as st

from patchwatch.contract.errors import InvalidMessageError
from workers.ingest.rtsp import parameters
from workers.ingest.rtsp.sdp import description, tracks
from workers.ingest.rtsp.transport import offered

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


def test_the_capture_is_told_of_pictures_without_keys_and_addresses() -> None:
    found = tracks(CAMERA)
    assert [(track.media, track.control) for track in found] == [("application", "track0"), ("video", "track1")]
    assert found[1].encodings == ["H265", "H264", "RTX"]
    assert found[1].trouble == ""
    assert description(found[1:]).decode().split("\r\n")[5:] == [
        "a=control:*", "m=video 0 RTP/AVP 98 96 97", "a=rtpmap:98 h265/90000", "a=rtpmap:96 H264/90000",
        "a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0IAKeKQ,aM48gA==", "a=rtpmap:97 rtx/90000",
        "a=framerate:12.5", "a=control:track0", "",
    ]  # fmt: skip


@pytest.mark.parametrize("protocol", ["RTP/AVP", "rtp/avpf", "RTP/AVP/TCP", "TCP/RTP/AVP"])
def test_protocols_are_written_in_several_ways(protocol: str) -> None:
    [track] = tracks(f"m=video 0 {protocol} 96\na=rtpmap: 96  h264/90000".encode())
    assert track.trouble == ""


@pytest.mark.parametrize("number", ["26", "33"])
def test_formats_that_need_no_map_are_known(number: str) -> None:
    [track] = tracks(f"m=video 0 RTP/AVP {number}".encode())
    assert track.trouble == ""


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from([b"m=", b"a=", b"video ", b"\n", b":", b"rtpmap", b" 0 "])).map(b"".join)
)
def test_any_description_is_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(InvalidMessageError):
        found = tracks(body)
        assert all(isinstance(track.trouble, str) and track.trouble.isprintable() for track in found)
        assert all(32 <= byte < 127 or byte > 160 or byte in b"\r\n" for byte in description(found))


@pytest.mark.parametrize(
    "line", ["m=video 0 RTP/AVP 96\n", "a=rtpmap:96 H264/90000\n", "a", "a=control:", "m=" + " 1" * 9]
)
def test_a_description_takes_time_in_proportion(line: str) -> None:
    def look(body: bytes) -> None:
        assert all(track.trouble is not None for track in tracks(body))

    def make(size: int) -> bytes:
        return b"m=video 0 RTP/AVP 96\n" + (line * (size // len(line))).encode()

    assert growth_of(look, make, size=30_000) < 3


@pytest.mark.parametrize("text", [",", '"', "\\", ";", "=", "a", "RTP/AVP/TCP,", "interleaved=0-1;"])
def test_a_transport_header_takes_time_in_proportion(text: str) -> None:
    assert growth_of(offered, lambda size: text * (size // len(text))) < 3


@given(st.text())
def test_any_transport_header_offers_something_or_nothing(text: str) -> None:
    for way in offered(text):
        assert way.over_channels((0, 1)).isprintable()


def test_parameters_are_split_outside_quotes() -> None:
    assert parameters.split('a="x, \\"y", b = z ,, c', ",") == ['a="x, \\"y"', "b = z", "c"]
    assert parameters.pairs(['A="x, \\"y"', "b = z", "c", "a=2"]) == {"a": 'x, "y', "b": "z", "c": ""}
