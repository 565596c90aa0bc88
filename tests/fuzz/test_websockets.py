"""Frames and parameters that are hardly WebSocket: the one connection ends, the service and the others go on."""

from __future__ import annotations

import json
import struct
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from fuzz_tally import Tally
from mutation import Mutator
from raw_client import exchange
from websockets.sync.client import connect

KIND = "WebSocket frames"
_KEY = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
_UPGRADE = b"Host: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + _KEY
QUERIES = [b"camera=cam", b"after=1795420800000-0", b"after=cam:1795420800000-0&camera=cam&camera=other"]


def test_no_frame_ends_more_than_its_own_connection(tally: Tally, stocked: Any, service: Any) -> None:
    url = f"ws://127.0.0.1:{service.address[1]}/api/v1/ws/alerts"
    with connect(url, max_queue=None) as other:  # which goes on answering pings while nobody reads from it
        assert json.loads(other.recv(timeout=10))["type"] == "hello"
        for mutator in tally.mutators(KIND):
            answer = exchange(service.address, handshake(mutator) + frames(mutator))
            status = answer[9:12].decode(errors="replace") or "closed"
            tally.count(KIND, status)
            assert not status.startswith("5"), answer[:400]
        entries = stocked.client.xrevrange("pw:alerts")
        stocked.client.xadd("pw:alerts", next(fields for _, fields in entries if b"a" in fields))  # no verdict
        for _ in range(1000):  # before it stand the heartbeats of all that time, and what other tests said of alerts
            if json.loads(other.recv(timeout=10))["type"] == "alert":
                break
        else:
            pytest.fail("the alert did not come")
    service.check()


def handshake(mutator: Mutator) -> bytes:
    topic, query = mutator.random.choice([b"scores", b"alerts"]), mutator.random.choice([b"", *QUERIES])
    head, headers = b"GET /api/v1/ws/" + topic, _UPGRADE
    match mutator.random.randrange(6):
        case 0:
            query = quote_from_bytes(mutator.damaged(query), safe="=&").encode()
        case 1:
            query = b"after=" + quote_from_bytes(mutator.binary(30)).encode()
        case 2:
            headers = mutator.damaged(headers)
    return head + b"?" + query + b" HTTP/1.1\r\n" + headers + b"\r\n"


def frames(mutator: Mutator) -> bytes:
    """Some frames with damage in the head or the payload."""
    sent = b"".join(frame(mutator) for _ in range(mutator.random.randint(1, 4)))
    return mutator.damaged(sent) if mutator.random.random() < 0.5 else sent


def frame(mutator: Mutator) -> bytes:
    payload = mutator.binary(mutator.random.choice([0, 10, 125, 20_000]))
    stated_length = mutator.random.choice([len(payload), len(payload), 0, 126, 2**62])
    first, masked = mutator.random.randrange(256), mutator.random.choice([0x80, 0x80, 0x80, 0])
    if stated_length < 126:
        length = struct.pack("!B", masked | stated_length)
    elif stated_length < 65_536:
        length = struct.pack("!BH", masked | 126, stated_length)
    else:
        length = struct.pack("!BQ", masked | 127, stated_length)
    return bytes([first]) + length + mutator.random.randbytes(4 if masked else 0) + payload
