"""Requests, responses and packets, as they are written and read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchwatch.contract.errors import InvalidMessageError
from workers.ingest.rtsp.connection import REQUEST_LIMITS
from workers.rtsp.headers import Headers
from workers.rtsp.message import Packet, Request, Response, path_of, printable
from workers.rtsp.parser import Event, Parser


@pytest.mark.parametrize("cseq", ["", "-1", "1 2", "²", "9" * 21, "0x1"])
def test_a_request_needs_a_number(cseq: str) -> None:
    with pytest.raises(InvalidMessageError, match="CSeq"):
        _ = Request("OPTIONS", "*", Headers((("CSeq", cseq),))).cseq


def test_what_a_peer_sent_is_cut_and_escaped() -> None:
    assert printable("a\x1b[31m\r\n\x85ä") == "a\\x1b[31m\\r\\n\\x85\\xe4"
    assert printable("a" * 1000, 5) == "aaaaa..."
    response = Response.from_status(400, 1, reason="x\r\nEvil: 1").encode()
    assert response.split(b"\r\n")[:2] == [b"RTSP/1.0 400 x\\r\\nEvil: 1", b"CSeq: 1"]


def test_a_response_is_written_in_this_order() -> None:
    response = Response.from_status(200, 7, [("Session", "1")], body=b"ab")
    assert response.status == 200
    assert response.encode() == (
        b"RTSP/1.0 200 OK\r\nCSeq: 7\r\nServer: Patchwatch\r\nSession: 1\r\nContent-Length: 2\r\n\r\nab"
    )


@pytest.mark.parametrize("start_line", ["RTSP/1.0", "RTSP/1.0 x", "RTSP/1.0 ² OK", "RTSP/1.0 " + "9" * 5000])
def test_a_response_without_a_status_has_the_status_0(start_line: str) -> None:
    assert Response(start_line).status == 0


@pytest.mark.parametrize(
    "event",
    [
        Packet(255, b"x" * 300),
        Request("PLAY", "rtsp://h/a b", Headers((("CSeq", "1"), ("Session", "é")))),
        Response("RTSP/1.0 200 OK", Headers((("Content-Length", "3"),)), b"abc"),
    ],
)
def test_what_is_written_is_read_as_it_was(event: Event) -> None:
    parser = Parser(REQUEST_LIMITS)
    parser.feed(event.encode())
    assert parser.next() == event
    assert parser.empty


@given(st.lists(st.tuples(st.sampled_from(["a", "A", "b"]), st.text("xy"))))
def test_a_header_is_replaced_whatever_its_case(fields: list[tuple[str, str]]) -> None:
    headers = Headers(tuple(fields))
    assert headers.without("a").all("A") == []
    assert headers.replace("A", "new").all("a") == ["new"]
    assert headers.replace("A", "new").all("b") == headers.all("b")


@pytest.mark.parametrize("uri", ["rtsp://[::/gate", "rtsp://h]/gate", "", "//", "rtsp://h/%ff%00", "rtsp://h/../gate"])
def test_every_uri_has_a_path(uri: str) -> None:
    assert path_of(uri).startswith("/")
