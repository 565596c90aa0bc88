"""Asking the service: nothing goes through a proxy of the environment, and a token that cannot be sent is told."""

from __future__ import annotations

import ast
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from patchwatch.cli.rest_client import ask
from patchwatch.contract.errors import ConfigurationError, RejectedError, RetryableError
from patchwatch.contract.settings import load_settings
from patchwatch.demo.rest_client import RestClient


class _Heard(BaseHTTPRequestHandler):
    """Answers everything, and remembers what was asked."""

    def _answer(self) -> None:
        self.server.heard.append(self.path)  # type: ignore[attr-defined]
        body = json.dumps({"cameras": []}).encode()
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
    made = [ThreadingHTTPServer(("127.0.0.1", 0), _Heard) for _ in range(2)]
    threads = []
    for server in made:
        server.heard = []  # type: ignore[attr-defined]
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
    assert ask(settings, address, "POST", "/cameras", {"source": "rtsp://u:CAMPW@10.0.0.7/x"}) == {"cameras": []}
    assert RestClient(address).get("/readyz") == {"cameras": []}
    assert (service.heard, proxy.heard) == (["/api/v1/cameras", "/readyz"], [])


def test_every_client_of_ours_says_what_it_thinks_of_proxies() -> None:
    """Libraries ask the environment for proxies unless told otherwise."""
    rooms = [Path(__file__).parents[3] / room for room in ("patchwatch", "service", "workers", "models")]
    for path in (path for room in rooms for path in room.rglob("*.py")):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            name, options = ast.unparse(call.func), {option.arg: ast.unparse(option.value) for option in call.keywords}
            assert name not in ("urlopen", "urllib.request.urlopen", "httpx.get", "httpx.post", "httpx.request"), path
            if name in ("httpx.Client", "httpx.AsyncClient"):
                assert options.get("trust_env") == "False", path
            if name == "connect" and "websockets" in path.read_text():
                assert options.get("proxy") == "None", path


@pytest.mark.parametrize("token", ["", " ", "line\nfeed", "\x1b[1m", "schlüssel"])
def test_a_token_that_cannot_be_sent_is_told(token: str) -> None:
    with pytest.raises(ConfigurationError, match=r"PATCHWATCH_API_TOKEN (is empty|holds)"):
        ask(load_settings(api_token=token), "http://127.0.0.1:9", "GET", "/cameras")


def test_an_address_that_is_none_is_told() -> None:
    with pytest.raises((RejectedError, RetryableError), match=r"http://\[|no Patchwatch service"):
        ask(load_settings(), "http://[", "GET", "/cameras")
