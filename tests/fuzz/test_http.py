"""Bytes that are hardly HTTP, at the real server: refused or answered, never a 5xx, never left hanging."""

from __future__ import annotations

import re
from typing import Any

from fuzz_tally import Tally
from mutation import Mutator
from raw_client import exchange

KIND = "raw HTTP"
_STATUS = re.compile(rb"^HTTP/1\.1 (\d{3})", re.MULTILINE)
_HEAD = b"Host: 127.0.0.1\r\nConnection: close\r\n"
_JSON = _HEAD + b"Content-Type: application/json\r\n"
PATHS = [
    b"/api/v1/cameras/cam/scores?from=2026-11-23T08:00:00Z&to=1795420800000&resolution=60&limit=10&after=1-0",
    b"/api/v1/alerts?camera=cam&state=open&limit=5&before=1795420800000:cam-1", b"/api/v1/alerts/cam-1/snapshot.jpg",
    b"/api/v1/cameras/%63am/status", b"/metrics", b"/page/../../../etc/passwd", b"/", b"/docs",
]  # fmt: skip
BODIES = [
    b'{"id": "gate", "source": "rtsp://u:p@camera.example:554/1", "analysis_fps": 5.0, "profile": "motion"}',
    b'{"live_seconds": 60.0, "profile": "motion"}', b'{"sources": ["file:/media/a.mp4"]}', b'{"name": "x"}',
]  # fmt: skip
TARGETS = [b"POST /api/v1/cameras", b"POST /api/v1/cameras/cam/enrolments", b"PATCH /api/v1/cameras/cam"]


def test_no_bytes_make_the_service_fail_or_hang(tally: Tally, stocked: Any, service: Any) -> None:
    failures = []
    for mutator in tally.mutators(KIND):
        sent = request(mutator)
        answer = exchange(service.address, sent)
        statuses = [int(status) for status in _STATUS.findall(answer)]
        tally.count(KIND, statuses[0] if statuses else "closed")
        if any(status >= 500 for status in statuses):
            failures.append((tally.now_at, sent[:300], answer[:300]))
        if not sent.startswith(b"GET"):
            stocked.reset()
    assert not failures, failures[:10]
    service.check()


def request(mutator: Mutator) -> bytes:
    match mutator.random.randrange(8):
        case 0:
            return mutator.damaged(plain(mutator))
        case 1:
            return mutator.damaged(with_body(mutator, mutator.random.choice(BODIES)))
        case 2 | 3:
            return with_body(mutator, mutator.damaged(mutator.random.choice(BODIES)))
        case 4:
            path = mutator.damaged(mutator.random.choice(PATHS))
            return b"GET " + re.sub(rb"[\x00-\x20]", b"%00", path) + b" HTTP/1.1\r\n" + _HEAD + b"\r\n"
        case 5:
            return chunked(mutator, mutator.random.choice(BODIES))
        case 6:
            odd = mutator.random.choice(
                [b"A" * 200_000, b"\x00", b"\xff\xfe", b"1" * 30, b"-1", b"chunked, gzip", b"http://[::", b"[::1"]
            )
            name = mutator.random.choice([b"Content-Length", b"Transfer-Encoding", b"Origin", b"Host", b"X-Any",
                                          b"Content-Type", b"Content-Encoding", b"Expect", b"Upgrade"])  # fmt: skip
            whole = plain(mutator) if name != b"Host" else plain(mutator).replace(b"Host: 127.0.0.1\r\n", b"")
            return whole[:-2] + name + b": " + odd + b"\r\n\r\n"
        case _:
            return mutator.binary(3000)


def plain(mutator: Mutator) -> bytes:
    method = mutator.random.choice([b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"PUT", b"TRACE"])
    return method + b" " + mutator.random.choice(PATHS) + b" HTTP/1.1\r\n" + _HEAD + b"\r\n"


def with_body(mutator: Mutator, body: bytes) -> bytes:
    length = len(body) + mutator.random.choice([0, 0, 0, -1, 1, 10**6])
    head = mutator.random.choice(TARGETS) + b" HTTP/1.1\r\n" + _JSON + b"Content-Length: %d\r\n\r\n" % max(0, length)
    return head + body


def chunked(mutator: Mutator, body: bytes) -> bytes:
    size = mutator.random.choice([b"%x" % len(body), b"ffffffffffffffff", b"-1", b"0x5", b"", b"z", b"%x" % 10**7])
    head = mutator.random.choice(TARGETS) + b" HTTP/1.1\r\n" + _JSON + b"Transfer-Encoding: chunked\r\n\r\n"
    return head + size + b"\r\n" + mutator.damaged(body) + b"\r\n0\r\n\r\n"
