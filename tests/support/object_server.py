"""A server that speaks as much of S3 as a store of evidence needs: put, get with a range, head, list, delete."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

_WHEN = "2026-11-28T22:00:00.000Z"
_MISSING = b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _objects(self) -> dict[str, bytes]:
        objects: dict[str, bytes] = self.server.objects  # type: ignore[attr-defined]
        return objects

    @property
    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/").partition("/")[2]

    def do_PUT(self) -> None:
        self._objects[self._key] = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, b"")

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            self._answer(200, self._listing(query.get("prefix", [""])[0]))
            return
        data = self._objects.get(self._key)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if data is None or asked is None:
            self._answer(404, _MISSING) if data is None else self._answer(200, data)
            return
        start, end = int(asked[1]), min(len(data), int(asked[2]) + 1 if asked[2] else len(data))
        self._answer(206, data[start:end], {"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"})

    def do_HEAD(self) -> None:
        data = self._objects.get(self._key)
        self._answer(404 if data is None else 200, data or b"")

    def do_POST(self) -> None:
        """Of several at once."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        gone = re.findall(r"<Key>([^<]{1,1000})</Key>", body)
        for key in gone:
            self._objects.pop(key, None)
        deleted = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in gone)
        self._answer(200, f"<DeleteResult>{deleted}</DeleteResult>".encode())

    def _listing(self, prefix: str) -> bytes:
        entries = "".join(
            f'<Contents><Key>{escape(key)}</Key><LastModified>{_WHEN}</LastModified><ETag>"e"</ETag>'
            f"<Size>{len(data)}</Size></Contents>"
            for key, data in sorted(self._objects.items())
            if key.startswith(prefix)
        )
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>".encode()

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        known = {"Content-Length": str(len(body)), "ETag": '"e"', "Last-Modified": formatdate(usegmt=True)}
        for name, value in {**known, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Quiet."""


@contextmanager
def object_server() -> Iterator[Any]:
    """Its ``objects`` are by key, without the bucket."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.objects = {}
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
