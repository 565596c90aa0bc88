"""The client of the REST API goes through no proxy of the environment, and refuses a token that cannot be sent."""

from __future__ import annotations

import ast
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from patchwatch.contract.errors import ConfigurationError, RejectedError, RetryableError
from patchwatch.contract.settings import load_settings
from patchwatch.rest_client import RestClient


class _Recorder(BaseHTTPRequestHandler):
    """Answers everything, and records the paths."""

    def _answer(self) -> None:
        self.server.paths.append(self.path)  # type: ignore[attr-defined]
        body = self.server.body  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_CONNECT = _answer

    def log_message(self, format: str, *arguments: object) -> None:
        """Quiet."""


@pytest.fixture
def servers() -> Iterator[list[Any]]:
    """A service and a proxy."""
    made = [ThreadingHTTPServer(("127.0.0.1", 0), _Recorder) for _ in range(2)]
    threads = []
    for server in made:
        server.paths, server.body = [], json.dumps({"cameras": []}).encode()  # type: ignore[attr-defined]
        threads.append(threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}))
        threads[-1].start()
    yield made
    for server, thread in zip(made, threads, strict=True):
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_no_proxy_hears_the_token_or_a_source(servers: list[Any], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    service, proxy = servers
    monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.server_address[1]}")
    for other in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(other, raising=False)
    address = f"http://127.0.0.1:{service.server_address[1]}"
    settings = load_settings(api_token="TOKVALUE-of-sixteen-letters")
    client = RestClient.from_settings(settings, address)
    assert client.post("/cameras", {"source": "rtsp://u:CAMPW@10.0.0.7/x"}) == {"cameras": []}
    assert client.readiness() == {"cameras": []}
    assert (service.paths, proxy.paths) == (["/api/v1/cameras", "/readyz"], [])


def test_every_client_of_ours_ignores_proxies() -> None:
    """Libraries ask the environment for proxies by default."""
    rooms = [Path(__file__).parents[2] / room for room in ("patchwatch", "service", "workers", "models")]
    for path in (path for room in rooms for path in room.rglob("*.py")):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            name, options = ast.unparse(call.func), {option.arg: ast.unparse(option.value) for option in call.keywords}
            assert name not in ("urlopen", "urllib.request.urlopen", "httpx.get", "httpx.post", "httpx.request"), path
            if name in ("httpx.Client", "httpx.AsyncClient"):
                assert options.get("trust_env") == "False", path
            if name == "connect" and "websockets" in path.read_text():
                assert options.get("proxy") == "None", path


@pytest.mark.parametrize("token", ["", " ", "line\nfeed", "\x1b[1m", "schlüssel"])
def test_a_token_that_cannot_be_sent_is_refused(token: str) -> None:
    with pytest.raises(ConfigurationError, match=r"PATCHWATCH_API_TOKEN (is empty|holds)"):
        RestClient.from_settings(load_settings(api_token=token), "http://127.0.0.1:9")


def test_what_is_not_an_address_is_refused() -> None:
    with pytest.raises((RejectedError, RetryableError), match=r"http://\[|no Patchwatch service"):
        RestClient("http://[").get("/cameras")


def test_what_answers_something_else_is_not_a_service(servers: list[Any]) -> None:
    service, _ = servers
    service.body = b"<html>"
    with pytest.raises(RejectedError, match="is not a Patchwatch service"):
        RestClient(f"http://127.0.0.1:{service.server_address[1]}").get("/cameras")
