"""Silent clients, on real sockets, are disconnected and delay nobody else."""

from __future__ import annotations

import os
import re
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from service_world import Serve
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect as connect_websocket

from patchwatch.contract.settings import Settings
from service.http import protocol

_HALF = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
_PATIENCE_S = 10.0


def connect(where: str) -> socket.socket:
    host, _, port = where.partition(":")
    return socket.create_connection((host, int(port)), timeout=_PATIENCE_S)


def is_closed(client: socket.socket) -> bool:
    """Waits for the other side to close."""
    try:
        while client.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


def closes_while_sent(client: socket.socket, data: bytes, *, read: bool = True) -> bool:
    """Sends again and again until the other side has closed."""
    until_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until_s:
        try:
            client.send(data)
            if read and client.recv(65536) == b"":
                return True
        except TimeoutError:
            continue
        except ConnectionError:
            return True
    return False


@pytest.fixture
def alone() -> Settings:
    """Without a Redis, which is asked nothing here."""
    return Settings(redis_url="redis://127.0.0.1:1", port=0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUEST_TIMEOUT_S", "BODY_TIMEOUT_S", "READ_TIMEOUT_S", "REFUSED_TIMEOUT_S"):
        monkeypatch.setattr(protocol, name, 0.4)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        _HALF,
        _HALF + b"\r\n",  # a whole request, and then nothing
        _HALF + b"\r\n" + _HALF,
        b"POST /api/v1/cameras HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{",
        b"POST /api/v1/cameras HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
        b"POST /api/v1/cameras HTTP/1.1\r\nHost: evil\r\nContent-Length: 100\r\n\r\n{",  # refused before its end
    ],
    ids=["nothing", "half a request", "nothing more", "half of a second", "half a body", "a chunk", "refused"],
)
@pytest.mark.usefixtures("impatient")
def test_a_client_that_goes_silent_is_closed(serve: Serve, alone: Settings, said: bytes) -> None:
    with connect(serve(alone)) as client:
        client.sendall(said)
        assert is_closed(client)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /?" + b"a" * 3_000_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 431),
        (_HALF + b"X: " + b"a" * 3_000_000 + b"\r\n\r\n", 431),
        (b"NONSENSE\r\n\r\n" + b"a" * 3_000_000, 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n" + b"a" * 3_000_000, 400),
        (
            b"GET /?" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
            + b"a" * 3_000_000,
            414,
        ),
    ],
    ids=["address", "header", "no HTTP", "no body that can be read", "WebSocket"],
)  # fmt: skip
def test_a_refusal_reaches_a_client_that_is_still_sending(
    serve: Serve, alone: Settings, head: bytes, status: int
) -> None:
    with connect(serve(alone)) as client:
        client.sendall(head)
        client.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.partition(b"\r\n\r\n")[2]


@pytest.mark.usefixtures("impatient")
def test_a_client_that_sends_on_after_a_refusal_is_closed(serve: Serve, alone: Settings) -> None:
    with connect(serve(alone)) as client:
        client.sendall(b"NONSENSE\r\n\r\n")
        client.settimeout(0.02)
        assert closes_while_sent(client, b"x" * 1000, read=False)


@pytest.mark.parametrize("opening", [_HALF, b"POST /api/v1/cameras HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\n"])
@pytest.mark.usefixtures("impatient")
def test_a_client_that_sends_byte_after_byte_is_closed(serve: Serve, alone: Settings, opening: bytes) -> None:
    with connect(serve(alone)) as client:
        client.sendall(opening)
        client.settimeout(0.02)
        assert closes_while_sent(client, b"x")


@pytest.mark.usefixtures("impatient")
def test_a_client_that_does_not_read_is_closed(serve: Serve, alone: Settings) -> None:
    with connect(serve(alone, send_buffer=4096)) as client:
        request = b"GET /page/main.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        client.settimeout(0.02)
        assert closes_while_sent(client, request * 50, read=False)


def test_a_client_that_reads_slowly_gets_its_answer(
    serve: Serve, alone: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "READ_TIMEOUT_S", 0.2)
    monkeypatch.setattr(protocol, "READ_AT_LEAST_BYTES", 1)
    size = len(httpx.get(f"http://{(where := serve(alone, send_buffer=4096))}/openapi.json").content)
    with connect(where) as client:
        client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        got = b""
        while part := client.recv(2048):
            got += part
    assert len(got) > size


def test_silent_clients_make_room_for_active_ones(serve: Serve, alone: Settings) -> None:
    where = serve(alone, most=40)
    with ExitStack() as stack:
        silent = [stack.enter_context(connect(where)) for _ in range(60)]
        for _ in range(3):
            assert httpx.get(f"http://{where}/healthz", timeout=5).status_code == 200
        assert is_closed(silent[0]), "the oldest goes first"


def test_websockets_are_kept_while_silent_clients_come(serve: Serve, settings: Settings) -> None:
    where = serve(settings, most=40)
    with ExitStack() as stack:
        live = [stack.enter_context(connect_websocket(f"ws://{where}/api/v1/ws/alerts")) for _ in range(30)]
        for client in live:
            assert "hello" in client.recv(timeout=10)
        for _ in range(60):
            stack.enter_context(connect(where))
        assert httpx.get(f"http://{where}/healthz", timeout=5).status_code == 200
        for client in live:
            assert "heartbeat" in client.recv(timeout=10)


def test_websockets_leave_room_for_others(serve: Serve, settings: Settings) -> None:
    where = serve(settings, most=40)
    with ExitStack() as stack:
        for _ in range(30):
            client = stack.enter_context(connect_websocket(f"ws://{where}/api/v1/ws/alerts"))
            assert "hello" in client.recv(timeout=10)
        with pytest.raises(InvalidStatus) as refused:
            connect_websocket(f"ws://{where}/api/v1/ws/alerts")
        assert refused.value.response.status_code == 503
        assert httpx.get(f"http://{where}/healthz", timeout=5).status_code == 200


@contextmanager
def service_process(log: Path, *, files: int) -> Iterator[str]:
    """The service as `patchwatch run service` starts it, where it may open so few files."""
    environment = {**os.environ, "PATCHWATCH_PORT": "0", "PATCHWATCH_REDIS_URL": "redis://127.0.0.1:1"}
    limit: Callable[[], None] = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, files))  # noqa: E731
    command = [sys.executable, "-m", "patchwatch", "run", "service"]
    with (
        log.open("wb") as out,
        subprocess.Popen(command, env=environment, stdout=out, stderr=out, preexec_fn=limit) as process,
    ):
        try:
            yield _address(process, log)
        finally:
            process.terminate()
            process.wait(timeout=15)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    until_s = time.monotonic() + 30
    while not (result := re.search(r"dashboard http://(127\.0\.0\.1:\d+)", log.read_text())):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until_s, "the service did not come up"
        time.sleep(0.05)
    return result[1]


def test_at_the_limit_of_open_files_it_answers_and_logs_little(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with service_process(log, files=200) as where, ExitStack() as stack:
        for number in range(400):
            client = stack.enter_context(connect(where))
            if number % 2:
                try:
                    client.sendall(_HALF)
                except ConnectionError:
                    continue  # closed already to make room
            if number % 100 == 99:
                assert httpx.get(f"http://{where}/healthz", timeout=5).status_code == 200
        for _ in range(5):
            assert httpx.get(f"http://{where}/healthz", timeout=5).status_code == 200
    text = log.read_text()
    assert "Traceback" not in text, text[:3000]
    assert len(text.splitlines()) < 30
    assert "too many connections" in text


def test_the_limit_of_open_files_is_raised_as_far_as_possible(tmp_path: Path) -> None:
    """Its soft limit of 64 would not do for a hundred clients that all have their say."""
    with service_process(tmp_path / "log", files=400) as where, ExitStack() as stack:
        clients = [stack.enter_context(connect(where)) for _ in range(100)]
        for client in clients:
            client.sendall(_HALF + b"\r\n")
        for client in clients:
            assert client.recv(100).startswith(b"HTTP/1.1 200")
