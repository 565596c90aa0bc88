"""Bytes in, messages and packets out, for the server's limits and for those of the client."""

from __future__ import annotations

import pytest
from growth import growth_of
from hypothesis import given
from hypothesis import strategies as st

from patchwatch.contract.errors import InvalidMessageError
from workers.ingest.rtsp.connection import REQUEST_LIMITS
from workers.rtsp.headers import Headers
from workers.rtsp.message import Packet, Request, Response
from workers.rtsp.parser import Event, Limits, Parser
from workers.rtsp_client.relay import CAMERA_LIMITS

WHOLE = (
    b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n$\x02\x00\x03abc\r\n"
    b"ANNOUNCE rtsp://h/a b RTSP/1.0\r\ncseq:2\r\nContent-Length: 4\r\n\r\n$\r\n\r\n$\x00\x00\x00"
    b"RTSP/1.0 401 Who are you\nWWW-Authenticate: a\nwww-authenticate: b,\n\tc\n\n"
)
EVENTS: list[Event] = [
    Request("OPTIONS", "*", Headers((("CSeq", "1"),))), Packet(2, b"abc"),
    Request("ANNOUNCE", "rtsp://h/a b", Headers((("cseq", "2"), ("Content-Length", "4"))), b"$\r\n\r"),
    Packet(0, b""),
    Response("RTSP/1.0 401 Who are you", Headers((("WWW-Authenticate", "a"), ("www-authenticate", "b, c")))),
]  # fmt: skip
BOTH = pytest.mark.parametrize("limits", [REQUEST_LIMITS, CAMERA_LIMITS], ids=["server", "client"])


def events(parser: Parser) -> list[Event]:
    return list(iter(parser.next, None))


@given(st.lists(st.binary(max_size=40)), st.lists(st.integers(1, 40)))
def test_packets_are_taken_as_they_were_received(payloads: list[bytes], sizes: list[int]) -> None:
    packets = b"".join(Packet(1, payload).encode() for payload in payloads)
    sent = packets + b"OPTIONS * RTSP/1.0\r\n\r\n"
    parser, taken, number, messages, start = Parser(REQUEST_LIMITS), b"", 0, [], 0
    for size in [*sizes, len(sent)]:
        parser.feed(sent[start : start + size])
        start += size
        piece, count = parser.take_packets()
        taken, number = taken + piece, number + count
        if taken == packets:  # What comes next is no packet, and stays where it is.
            messages += events(parser)
    assert (taken, number) == (packets, len(payloads))
    assert messages == [Request("OPTIONS", "*")]


@given(st.lists(st.integers(1, 40)))
def test_it_does_not_matter_in_which_pieces_bytes_arrive(sizes: list[int]) -> None:
    parser, parsed, start = Parser(REQUEST_LIMITS), [], 0
    for size in [*sizes, len(WHOLE)]:
        parser.feed(WHOLE[start : start + size])
        parsed += events(parser)
        start += size
    assert parsed == EVENTS
    assert parser.empty


@given(st.binary(max_size=300) | st.lists(st.sampled_from([WHOLE, b"$", b"\n", b"\r", b":", b" ", b"A"])).map(b"".join))
def test_any_bytes_are_events_or_invalid(data: bytes) -> None:
    parser, why = Parser(REQUEST_LIMITS), ""
    try:
        for start in range(0, len(data), 7):
            parser.feed(data[start : start + 7])
            events(parser)
    except InvalidMessageError as error:
        why = str(error)
    assert why.isprintable()
    assert why.isascii()


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"\x16\x03\x01\x02\x00", "not RTSP but TLS: use rtsp://, not rtsps://"),
        (b"\x00", "not RTSP"),
        (b"GET / HTTP/1.1\r\n\r\n", "not RTSP: GET / HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "not RTSP: HTTP/1.1 200 OK"),
        (b"OPTIONS\r\n\r\n", "not RTSP: OPTIONS"),
        (b"OPTIONS RTSP/1.0\r\n\r\n", "not RTSP: OPTIONS RTSP/1.0"),
        (b"A * RTSP/1.0\r\nContent-Length: -1\r\n\r\n", "a body of -1 bytes"),
        (b"A * RTSP/1.0\r\nContent-Length: \xb2\r\n\r\n", "a body of \\xb2 bytes"),
    ],
)
@BOTH
def test_what_is_no_message_is_refused_with_a_reason(sent: bytes, why: str, limits: Limits) -> None:
    parser = Parser(limits)
    parser.feed(sent)
    with pytest.raises(InvalidMessageError) as caught:
        events(parser)
    assert str(caught.value) == why


@BOTH
@pytest.mark.parametrize("sent", [b"A", b"A:b\r\n", b"A * RTSP/1.0\n "])
def test_a_long_head_is_refused_before_it_is_complete(sent: bytes, limits: Limits) -> None:
    parser = Parser(limits)
    parser.feed(sent * (limits.head_bytes // len(sent) + 1))
    with pytest.raises(InvalidMessageError, match=f"a message of more than {limits.head_bytes} bytes"):
        parser.next()


@BOTH
def test_a_long_body_is_refused_by_its_announced_length(limits: Limits) -> None:
    for length in (limits.body_bytes, limits.body_bytes + 1):
        parser = Parser(limits)
        parser.feed(b"A * RTSP/1.0\r\nContent-Length: %d\r\n\r\n" % length)
        if length <= limits.body_bytes:
            assert parser.next() is None
        else:
            with pytest.raises(InvalidMessageError, match=f"a body of {length} bytes"):
                parser.next()


def by_single_bytes(data: bytes) -> None:
    parser = Parser(REQUEST_LIMITS)
    for at in range(len(data)):
        parser.feed(data[at : at + 1])
        parser.next()


@pytest.mark.parametrize("sent", [b"A", b"A:b\r\n", b"\r\n", b"\n", b"A\n ", b"$\x00\x00\x01a"])
def test_each_byte_is_examined_once(sent: bytes) -> None:
    most = REQUEST_LIMITS.head_bytes // 2 // len(sent) - 2
    assert growth_of(by_single_bytes, lambda size: sent * size, size=most) < 3


@pytest.mark.parametrize("sent", [b"A: b\r\n", b" c\r\n", b"A\r\n", b"Content-Length: 1\n"])
def test_a_head_of_the_clients_size_takes_time_in_proportion(sent: bytes) -> None:
    def parse(data: bytes) -> None:
        parser = Parser(CAMERA_LIMITS)
        parser.feed(data)
        assert parser.next() is None or parser.empty

    def make(size: int) -> bytes:
        return b"RTSP/1.0 200 OK\r\n" + sent * (size // len(sent)) + b"\r\n"

    assert growth_of(parse, make, size=CAMERA_LIMITS.head_bytes // 2 - 100) < 3
