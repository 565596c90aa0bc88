"""The process of the service: binds its address and serves until it receives a signal."""

from __future__ import annotations

import errno
import logging
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from patchwatch.contract.access_policy import check_token
from patchwatch.contract.errors import ConfigurationError, PortTakenError
from patchwatch.contract.settings import Settings
from service.app import create_app
from service.garbage_collection import reduce_collections
from service.http import log_limit
from service.http.connections import WaitingConnections
from service.http.listener import Listener, connection_limit, raise_open_files
from service.http.own_addresses import openable
from service.http.protocol import Config, HttpProtocol, WebSocketProtocol

log = logging.getLogger("patchwatch.service")
_STOP_TIMEOUT_S = 5
_BACKLOG = 2048
_MAX_WEBSOCKET_MESSAGE_BYTES = 16 * 1024  # no client needs to send anything
_MAX_HEAD_BYTES = 32 * 1024  # of a request; `service.middleware.body_limit` limits its path and query


class Server(uvicorn.Server):
    """Stops on SIGTERM and SIGINT and returns, instead of raising the signal again."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; a second signal stops at once.

    Raises `ConfigurationError` (a bad token, an address that is not this machine's, no Redis configured) and
    `PortTakenError`.
    """
    check_token(settings)
    app = create_app(settings)
    listener = bind(settings)
    app.state.address = address(settings, listener)
    _log_addresses(settings, app.state.address)
    config = configure(app, connection_limit(raise_open_files()))
    log_limit.install()
    reduce_collections()
    try:
        Server(config).run(sockets=[listener])
    finally:
        listener.close()


def configure(app: ASGIApp, max_connections: int) -> Config:
    """How uvicorn serves the app."""
    config = Config(
        app,
        loop="asyncio",  # `Listener` and the protocols are written for it
        http=HttpProtocol,
        ws=WebSocketProtocol,
        ws_max_size=_MAX_WEBSOCKET_MESSAGE_BYTES,
        h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
        access_log=False,  # nor are addresses of WebSockets logged: their query may hold the token
        log_config=None,
        log_level="warning",
        server_header=False,
        proxy_headers=False,  # `service.middleware.proxy` reads them
        timeout_graceful_shutdown=_STOP_TIMEOUT_S,
    )
    config.waiting = WaitingConnections(max_connections)
    return config


def bind(settings: Settings) -> socket.socket:
    """A listening socket. Raises `PortTakenError` or `ConfigurationError`."""
    host, port = settings.host, settings.port
    listener = None
    try:
        family, kind, protocol, _, socket_address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = Listener(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(socket_address)
        listener.listen(_BACKLOG)
    except OSError as error:
        if listener is not None:
            listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(
                f"port {port} on {host} is taken by another program: set PATCHWATCH_PORT to a free port (0 chooses one)"
            ) from None
        raise ConfigurationError(
            f"cannot listen on {host}:{port} ({error.strerror or error}): correct PATCHWATCH_HOST or PATCHWATCH_PORT"
        ) from None
    return listener


def _log_addresses(settings: Settings, listening: str) -> None:
    """Where the page can be opened; and that messages do not say so, where people on other machines may be told."""
    bases = [settings.public_url] if settings.public_url else openable(listening)
    base = bases[-1]  # of several, a number: names are known to few
    others = "".join(f" or {other}/" for other in bases[:-1])
    log.info("dashboard %s/%s   API %s/docs   metrics %s/metrics", base, others, base, base)
    log.info("WebSockets %s/api/v1/ws/alerts and .../ws/scores", base.replace("http", "ws", 1))
    if settings.public_url is None and base != listening:
        log.info(
            "PATCHWATCH_PUBLIC_URL is not set: channels that are added on the page link to the address that it was "
            "opened at, webhooks and MQTT link to nothing; set it to an address that phones can open, such as %s",
            base,
        )


def address(settings: Settings, listener: socket.socket) -> str:
    """The URL to open, with the port that was chosen when the setting is 0."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{listener.getsockname()[1]}"
