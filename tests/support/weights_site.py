"""A web site and a hub's mirror in one: serves weights over HTTP as the hub's library asks for them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class WeightsSite:
    """``files``: content by path. A path in ``cut`` loses its connection halfway, as often as the number says;
    ``stated`` overrides the hash that the hub's headers state. ``asked`` holds method, path and range of each request.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    stated: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def put_on_hub(self, repository: str, filename: str, content: bytes) -> str:
        """Returns the path under which it is asked for by commit."""
        for revision in ("main", COMMIT):
            self.files[f"/{repository}/resolve/{revision}/{filename}"] = content
        return f"/{repository}/resolve/{COMMIT}/{filename}"


@contextmanager
def weights_site() -> Iterator[WeightsSite]:
    """Serves on loopback until the block ends."""
    site = WeightsSite()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(site))
    server.daemon_threads = True
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler_of(site: WeightsSite) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, *, with_body: bool) -> None:
            asked = self.headers.get("Range")
            site.asked.append((self.command, self.path, asked))
            content = site.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            body = content[start:]
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", f'"{site.stated.get(self.path, hashlib.sha256(content).hexdigest())}"')
            self.send_header("X-Repo-Commit", COMMIT)
            if asked:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.end_headers()
            if with_body:
                self._send(body)

        def _send(self, body: bytes) -> None:
            left = site.cut.get(self.path, 0)
            site.cut[self.path] = left - 1
            self.wfile.write(body[: len(body) // 2] if left > 0 else body)
            self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            """Quiet."""

    return Handler
