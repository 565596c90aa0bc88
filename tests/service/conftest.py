"""The service, in-process and as a real server, with a small world in Redis for it to show."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from service_world import Serve, Until, World
from waiting import eventually

from patchwatch.contract.settings import Settings
from service.app import create_app
from service.server import bind, configure


@pytest.fixture
def world(bus_url: str) -> Iterator[World]:
    made = World(bus_url)
    yield made
    made.bus.close()


@pytest.fixture
def settings(bus_url: str, tmp_path: Path) -> Settings:
    (tmp_path / "media").mkdir()
    return Settings(redis_url=bus_url, media_dirs=(tmp_path / "media",), websocket_heartbeat_s=0.3, port=0)


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app, without a server."""
    app = create_app(settings)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client
    await app.state.context.store.bus.aclose()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a real server for settings; returns its host and port. All are stopped at the end."""
    with contextlib.ExitStack() as stack:

        def start(
            settings: Settings, *, client_queue: int = 1000, send_buffer: int | None = None, most: int = 5000
        ) -> str:
            app = create_app(settings, client_queue=client_queue)
            listener = bind(Settings(port=0))
            if send_buffer:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
            server = uvicorn.Server(configure(app, most))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
            thread.start()
            stack.callback(listener.close)
            stack.callback(thread.join, 15)
            stack.callback(setattr, server, "should_exit", True)
            port: int = listener.getsockname()[1]
            return f"127.0.0.1:{port}"

        yield start


@pytest.fixture
def until() -> Until:
    """Awaits a condition."""
    return eventually
