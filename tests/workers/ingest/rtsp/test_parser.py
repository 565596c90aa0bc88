"""Bytes in, requests and packets out."""

from __future__ import annotations

import pytest
from growth import growth_of
from hypothesis import given
from hypothesis import strategies as st

from patchwatch.contract.errors import InvalidMessageError
from workers.ingest.rtsp.message import Packet, Request, answer, camera_id_of, path_of, printable
from workers.ingest.rtsp.parser import MAX_BODY_BYTES, MAX_HEAD_BYTES, Parser

WHOLE = (
    b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n$\x02\x00\x03abc\r\n"
    b"ANNOUNCE rtsp://h/a b RTSP/1.0\r\ncseq:2\r\nContent-Length: 4\r\n\r\n$\r\n\r$\x00\x00\x00"
)
EVENTS = [
    Request("OPTIONS", "*", {"cseq": "1"}), Packet(2, b"abc"),
    Request("ANNOUNCE", "rtsp://h/a b", {"cseq": "2", "content-length": "4"}, b"$\r\n\r"), Packet(0, b""),
]  # fmt: skip


def events(parser: Parser) -> list[Request | Packet]:
    return list(iter(parser.next, None))  # type: ignore[arg-type]


@given(st.lists(st.integers(1, 40)))
def test_it_does_not_matter_in_which_pieces_bytes_arrive(sizes: list[int]) -> None:
    parser, found, at = Parser(), [], 0
    for size in [*sizes, len(WHOLE)]:
        parser.feed(WHOLE[at : at + size])
        found += events(parser)
        at += size
    assert found == EVENTS
    assert parser.empty


@given(st.binary(max_size=300) | st.lists(st.sampled_from([WHOLE, b"$", b"\n", b"\r", b":", b" ", b"A"])).map(b"".join))
def test_any_bytes_are_events_or_invalid(data: bytes) -> None:
    parser, why = Parser(), ""
    try:
        for at in range(0, len(data), 7):
            parser.feed(data[at : at + 7])
            events(parser)
    except InvalidMessageError as error:
        why = str(error)
    assert why.isprintable()
    assert why.isascii()


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"\x16\x03\x01\x02\x00", "not RTSP but TLS: publish to rtsp://, not rtsps://"),
        (b"\x00", "not RTSP"),
        (b"GET / HTTP/1.1\r\n\r\n", "not RTSP: GET / HTTP/1.1"),
        (b"OPTIONS\r\n\r\n", "not RTSP: OPTIONS"),
        (b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", "not RTSP: RTSP/1.0 200 OK"),
        (b"OPTIONS RTSP/1.0\r\n\r\n", "not RTSP: OPTIONS RTSP/1.0"),
        (b"A" * MAX_HEAD_BYTES, f"a request of more than {MAX_HEAD_BYTES} bytes"),
        (b"A:b\r\n" * MAX_HEAD_BYTES, f"a request of more than {MAX_HEAD_BYTES} bytes"),
        (b"A * RTSP/1.0\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), f"a body of {MAX_BODY_BYTES + 1} bytes"),
        (b"A * RTSP/1.0\r\nContent-Length: -1\r\n\r\n", "a body of -1 bytes"),
        (b"A * RTSP/1.0\r\nContent-Length: \xb2\r\n\r\n", "a body of \\xb2 bytes"),
    ],
)
def test_what_is_no_request_is_refused_with_a_reason(sent: bytes, why: str) -> None:
    parser = Parser()
    parser.feed(sent)
    with pytest.raises(InvalidMessageError) as caught:
        events(parser)
    assert str(caught.value) == why


@pytest.mark.parametrize("cseq", ["", "-1", "1 2", "²", "9" * 21, "0x1"])
def test_a_request_needs_a_number(cseq: str) -> None:
    with pytest.raises(InvalidMessageError, match="CSeq"):
        _ = Request("OPTIONS", "*", {"cseq": cseq}).cseq


def by_single_bytes(data: bytes) -> None:
    parser = Parser()
    for at in range(len(data)):
        parser.feed(data[at : at + 1])
        parser.next()


@pytest.mark.parametrize("sent", [b"A", b"A:b\r\n", b"\r\n", b"\n", b"A\n ", b"$\x00\x00\x01a"])
def test_each_byte_is_looked_at_once(sent: bytes) -> None:
    most = MAX_HEAD_BYTES // 2 // len(sent) - 2
    assert growth_of(by_single_bytes, lambda size: sent * size, size=most) < 3


@pytest.mark.parametrize("sent", ["/", "%2f", "%", "[", "a", "-", "?", "//"])
def test_a_uri_takes_time_in_proportion(sent: str) -> None:
    assert growth_of(camera_id_of, lambda size: "rtsp://h/" + sent * size) < 3


@pytest.mark.parametrize("uri", ["rtsp://[::/gate", "rtsp://h]/gate", "", "//", "rtsp://h/%ff%00", "rtsp://h/../gate"])
def test_a_uri_that_is_none_names_no_camera(uri: str) -> None:
    assert camera_id_of(uri) is None
    assert path_of(uri).startswith("/")


def test_what_a_peer_sent_is_cut_and_escaped() -> None:
    assert printable("a\x1b[31m\r\n\x85ä") == "a\\x1b[31m\\r\\n\\x85\\xe4"
    assert printable("a" * 1000, 5) == "aaaaa..."
    assert answer(400, 1, why="x\r\nEvil: 1").split(b"\r\n")[:2] == [b"RTSP/1.0 400 x\\r\\nEvil: 1", b"CSeq: 1"]
