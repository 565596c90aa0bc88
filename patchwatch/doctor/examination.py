"""All checks, in the order in which they matter."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import redis

from patchwatch.bus import keys
from patchwatch.bus.connection import connect, translated
from patchwatch.bus.rights import ADVICE
from patchwatch.contract.bounds import counted
from patchwatch.contract.errors import BusUnavailableError, ConfigurationError
from patchwatch.contract.settings import Settings
from patchwatch.doctor.finding import Finding, fail, ok
from patchwatch.doctor.host import check_host
from patchwatch.doctor.installation import (
    beats_of,
    cameras_of,
    check_camera,
    check_partitions,
    check_weights,
    check_workers,
)
from patchwatch.doctor.redis_server import check_server
from patchwatch.local_redis.kept_server import queue_folder, running_url
from patchwatch.local_redis.server_program import first_program

_TIMEOUT_S = 5.0


@dataclass
class Seen:
    """Of Redis, for the checks of this machine. ``alive``: roles with a living worker here; ``reads_files``: whether a
    camera's source is a file."""

    alive: set[str] = field(default_factory=set)
    reads_files: bool = False


def examine(settings: Settings) -> list[Finding]:
    """Look at everything; never raises for what is wrong with the installation."""
    seen = Seen()
    findings = list(_redis(settings, seen))
    return [*findings, *check_host(settings, seen.alive, reads_files=seen.reads_files)]


def _redis(settings: Settings, seen: Seen) -> Iterator[Finding]:
    url = settings.redis_url.get_secret_value() if settings.redis_url is not None else running_url(settings)
    if url is None:
        yield _own_redis(settings)
        return
    client: Any = connect(url, _TIMEOUT_S)
    try:
        with translated(), client:
            yield from _with(client, settings, seen)
    except BusUnavailableError as error:
        yield fail("redis", str(error))
    except redis.ResponseError as error:
        yield fail("redis", f"{error}: {ADVICE}")


def _with(client: Any, settings: Settings, seen: Seen) -> Iterator[Finding]:
    client.ping()
    yield ok("redis", "answers")
    yield _partitions_agree(client, settings)
    cameras, beats = cameras_of(client), beats_of(client)
    here = socket.gethostname()
    seen.reads_files = any(camera.source.startswith("file:") for camera in cameras)
    seen.alive.update(beat.role for beat in beats if beat.host == here and _runs(beat.pid))
    yield from check_server(client, settings, len(cameras))
    yield from check_workers(beats, webhooks=client.hlen(keys.WEBHOOKS))
    yield check_partitions(client, settings, cameras)
    yield from check_weights(settings, cameras)
    for camera in cameras:
        yield from check_camera(client, settings, camera)


def _partitions_agree(client: Any, settings: Settings) -> Finding:
    known = client.get(keys.PARTITIONS)
    if known is not None and counted(known) != settings.partitions:
        return fail(
            "settings",
            f"PATCHWATCH_PARTITIONS is {settings.partitions}, but the installation was begun with {counted(known)}: "
            "set it to that",
        )
    return ok("settings", f"{settings.partitions} partitions, as the installation was begun with")


def _own_redis(settings: Settings) -> Finding:
    """What a `patchwatch serve` with these settings would run."""
    try:
        program = first_program()
    except ConfigurationError as error:
        return fail("redis", str(error))
    folder = queue_folder(settings)
    return ok("redis", f"none runs now; `patchwatch serve` will run {program.name} and keep everything in {folder}")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
