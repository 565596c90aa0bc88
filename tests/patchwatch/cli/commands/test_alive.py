"""``patchwatch alive``: nothing but a process of that role on this very host counts."""

from __future__ import annotations

import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import redis

from patchwatch.bus import keys
from patchwatch.cli.commands.alive import alive
from patchwatch.contract.errors import BusUnavailableError, RetryableError
from patchwatch.contract.roles import Role


class _Answer(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("status", [200, 503])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_service_is_alive_when_it_answers_well(monkeypatch: pytest.MonkeyPatch, status: int, host: str) -> None:
    monkeypatch.setattr(_Answer, "status", status)
    with HTTPServer((host, 0), _Answer) as server:
        monkeypatch.setenv("PATCHWATCH_HOST", host)
        monkeypatch.setenv("PATCHWATCH_PORT", str(server.server_port))
        monkeypatch.setenv("PATCHWATCH_API_TOKEN", "a-token-of-sixteen-and-more")
        thread = Thread(target=server.handle_request)
        thread.start()
        if status == 200:
            alive(Role.SERVICE)
        else:
            with pytest.raises(RetryableError, match="answers 503"):
                alive(Role.SERVICE)
        thread.join(timeout=10)


def test_a_port_where_nobody_listens_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and never listening
        monkeypatch.setenv("PATCHWATCH_PORT", str(taken.getsockname()[1]))
        with pytest.raises(RetryableError, match=r"127\.0\.0\.1:\d+"):
            alive(Role.SERVICE)


def test_a_worker_is_alive_while_its_heartbeat_is(monkeypatch: pytest.MonkeyPatch, bus_url: str) -> None:
    monkeypatch.setenv("PATCHWATCH_REDIS_URL", bus_url)
    with redis.Redis.from_url(bus_url) as client:
        client.set(keys.worker("inference", "another-host-1-ab-2-cd"), "{}")
        client.set(keys.worker("ingest", f"{socket.gethostname()}-1-ab-2-cd"), "{}")
    alive(Role.INGEST)
    with pytest.raises(RetryableError, match="patchwatch run inference"):
        alive(Role.INFERENCE)


def test_a_redis_that_is_away_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHWATCH_REDIS_URL", "redis://127.0.0.1:1/0")
    with pytest.raises(BusUnavailableError):
        alive(Role.DELIVERY)
