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
from waiting import PATIENCE_S

from patchwatch import rest_client
from patchwatch.contract.bounds import LONGEST_ANSWER_S, LONGEST_DELIVERY_S
from patchwatch.contract.errors import ConfigurationError, RejectedError, RetryableError, StorageError
from patchwatch.contract.settings import load_settings
from patchwatch.rest_client import RestClient
from service.routes.alerts import webhooks
from service.store.banks import banks


class _Recorder(BaseHTTPRequestHandler):
    """Answers everything, and records the paths."""

    def _answer(self) -> None:
        self.server.paths.append(self.path)  # type: ignore[attr-defined]
        body = self.server.body  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(getattr(self.server, "length", len(body))))
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


def test_a_download_is_written_whole_or_not_at_all(servers: list[Any], tmp_path: Path) -> None:
    service, _ = servers
    client, into = RestClient(f"http://127.0.0.1:{service.server_address[1]}"), tmp_path / "gate.zip"
    client.download("/alerts/gate-1/evidence.zip", into)
    assert (into.read_bytes(), service.paths) == (service.body, ["/api/v1/alerts/gate-1/evidence.zip"])
    service.length = 1000  # more than it sends
    with pytest.raises(RetryableError, match="stopped while it sent"):
        client.download("/alerts/gate-1/evidence.zip", tmp_path / "half.zip")
    with pytest.raises(StorageError, match="name another file"):
        client.download("/alerts/gate-1/evidence.zip", tmp_path / "nowhere" / "gate.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["gate.zip"]


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


class _Slow(_Recorder):
    """Takes a request, and answers only once it may."""

    def _answer(self) -> None:
        self.server.may_answer.wait(PATIENCE_S)  # type: ignore[attr-defined]
        super()._answer()

    do_GET = do_POST = _answer


@pytest.fixture
def slow() -> Iterator[Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Slow)
    server.paths, server.body, server.may_answer = [], b"{}", threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.may_answer.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_order_waits_as_long_as_the_service_may_take_and_a_question_does_not(
    slow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test of a webhook, a change of a bank: the service itself waits for others."""
    monkeypatch.setattr("patchwatch.rest_client._TIMEOUT_S", 0.2)
    client = RestClient(f"http://127.0.0.1:{slow.server_address[1]}")
    with pytest.raises(RetryableError, match=r"took the request, and has not answered for 0\.2 s"):
        client.get("/cameras")
    threading.Timer(0.5, slow.may_answer.set).start()
    assert client.post("/webhooks/home/test") == {}


def test_no_order_takes_the_service_longer_than_its_clients_wait() -> None:
    longest_bank_order_s = banks._START_TIMEOUT_S + banks._DONE_TIMEOUT_S
    longest_test_s = LONGEST_DELIVERY_S + webhooks._TEST_MARGIN_S
    assert max(longest_bank_order_s, longest_test_s) <= LONGEST_ANSWER_S < rest_client._ORDER_TIMEOUT_S
