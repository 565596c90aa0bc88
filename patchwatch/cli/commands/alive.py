"""``patchwatch alive ROLE``: what the health check of a container asks."""

from __future__ import annotations

import http.client
import ipaddress
import socket
from typing import TYPE_CHECKING, Annotated

import typer

from patchwatch.contract.errors import RetryableError
from patchwatch.contract.roles import Role

if TYPE_CHECKING:
    from patchwatch.contract.settings import Settings

_ANSWER_WITHIN_S = 4.0


def alive(role: Annotated[Role, typer.Argument(help="The role that should run on this host.")]) -> None:
    """Say whether a process of this role is alive on this host: exit status 0, otherwise 1 with the reason.

    The service is alive when it answers `/healthz`; a worker when its heartbeat in Redis is not older than ten seconds.
    It reads the settings of the process that it asks about.
    """
    from patchwatch.contract.settings import load_settings

    settings = load_settings()
    if role is Role.SERVICE:
        _ask_service(settings)
    else:
        _find_heartbeat(settings, role)
    typer.echo(f"{role.value} is alive on this host")


def _ask_service(settings: Settings) -> None:
    host, port = _own_address(settings.host), settings.port
    connection = http.client.HTTPConnection(host, port, timeout=_ANSWER_WITHIN_S)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise RetryableError(f"no service answers at {host}:{port} ({error}): start `patchwatch run service`") from None
    finally:
        connection.close()
    if status != http.HTTPStatus.OK:
        raise RetryableError(f"the service at {host}:{port} answers {status}: its log says why")


def _own_address(host: str) -> str:
    """Where a program on this host reaches a server that listens at ``host``."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"


def _find_heartbeat(settings: Settings, role: Role) -> None:
    from patchwatch.bus import keys
    from patchwatch.bus.connection import connect, translated

    host = socket.gethostname()
    client = connect(settings.shared_redis_url, timeout_s=_ANSWER_WITHIN_S)
    try:
        with translated():
            beats = client.scan_iter(keys.worker(role.value, f"{host}-*"), count=1000)
            found = next(iter(beats), None)
    finally:
        client.close()
    if found is None:
        raise RetryableError(f"no {role.value} worker of {host} is alive: start `patchwatch run {role.value}`")
