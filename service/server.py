"""The service's process: binds its address, serves until it is told to stop."""

from __future__ import annotations

import errno
import gc
import logging
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from patchwatch.contract.access_policy import check_exposure
from patchwatch.contract.errors import ConfigurationError, PortTakenError
from patchwatch.contract.settings import Settings
from service.app import create_app
from service.http import log_limit
from service.http.connections import WaitingConnections
from service.http.listener import Listener, most_connections, raise_open_files
from service.http.protocol import Config, HttpProtocol, WebSocketProtocol

log = logging.getLogger("patchwatch.service")
_STOP_WITHIN_S = 5
_LARGEST_WEBSOCKET_MESSAGE = 16 * 1024  # clients have nothing to say
_LARGEST_HEAD = 32 * 1024  # of a request; `service.middleware.body_limit` has the limit for its target


class Server(uvicorn.Server):
    """Stops on SIGTERM and SIGINT and returns, instead of raising the signal again."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; a second signal forces the end.

    Raises `ConfigurationError` (no token beyond loopback, an address that is not ours, no Redis named) and
    `PortTakenError`.
    """
    check_exposure(settings)
    app = create_app(settings)
    listener = bind(settings)
    base = address(settings, listener)
    log.info("dashboard %s/   API %s/docs   metrics %s/metrics", base, base, base)
    log.info("WebSockets %s/api/v1/ws/alerts and .../ws/scores", base.replace("http", "ws", 1))
    config = configure(app, most_connections(raise_open_files()))
    log_limit.install()
    _collect_seldom()
    try:
        Server(config).run(sockets=[listener])
    finally:
        listener.close()


def configure(app: ASGIApp, most: int) -> Config:
    """How uvicorn serves the app, with at most so many connections."""
    config = Config(
        app,
        loop="asyncio",  # `Listener` and the protocols are made for it
        http=HttpProtocol,
        ws=WebSocketProtocol,
        ws_max_size=_LARGEST_WEBSOCKET_MESSAGE,
        h11_max_incomplete_event_size=_LARGEST_HEAD,
        access_log=False,  # and no log of WebSocket addresses: their query may hold the token
        log_config=None,
        log_level="warning",
        server_header=False,
        proxy_headers=False,  # `service.http.proxy` reads them
        timeout_graceful_shutdown=_STOP_WITHIN_S,
    )
    config.waiting = WaitingConnections(most)
    return config


def _collect_seldom() -> None:
    """Keep Python's full collections, which stop everything for 60 ms and with a thousand clients for 200, rare and
    short: what is loaded by now stays for ever and need not be looked at, and most garbage of requests is young."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def bind(settings: Settings) -> socket.socket:
    """A listening socket. Raises `PortTakenError` or `ConfigurationError`."""
    host, port = settings.host, settings.port
    listener = None
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = Listener(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(2048)
    except OSError as error:
        if listener is not None:
            listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(
                f"port {port} on {host} is taken by another program: set PATCHWATCH_PORT to a free one (0 finds one)"
            ) from None
        raise ConfigurationError(
            f"cannot listen on {host}:{port} ({error.strerror or error}): correct PATCHWATCH_HOST or PATCHWATCH_PORT"
        ) from None
    return listener


def address(settings: Settings, listener: socket.socket) -> str:
    """The URL to open; names the port that was found when the setting is 0."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{listener.getsockname()[1]}"
