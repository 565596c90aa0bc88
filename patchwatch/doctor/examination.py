"""All checks, in the order in which they matter."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import redis

from patchwatch.bus import keys
from patchwatch.bus.connection import connect, translated, unfinished_restore
from patchwatch.bus.rights import ADVICE
from patchwatch.contract.bounds import counted
from patchwatch.contract.errors import BusUnavailableError, ConfigurationError
from patchwatch.contract.settings import Settings
from patchwatch.doctor.evidence import check_evidence
from patchwatch.doctor.finding import Finding, fail, ok
from patchwatch.doctor.host import check_host
from patchwatch.doctor.installation import (
    check_camera,
    check_memory,
    check_partitions,
    check_weights,
    check_workers,
    read_cameras,
    read_heartbeats,
)
from patchwatch.doctor.receivers import check_receivers
from patchwatch.doctor.records import check_records
from patchwatch.doctor.redis_server import check_server
from patchwatch.local_redis.kept_server import queue_folder, running_url
from patchwatch.local_redis.server_program import first_program

_TIMEOUT_S = 5.0


@dataclass
class _LocalFacts:
    """Facts from Redis that the checks of this machine need.

    ``alive``: roles with a living worker on this machine. ``reads_files``: whether a camera's source is a file.
    """

    alive: set[str] = field(default_factory=set)
    reads_files: bool = False


def examine(settings: Settings) -> list[Finding]:
    """Run all checks. Whatever is wrong with the installation becomes a finding, not an exception."""
    facts = _LocalFacts()
    findings = list(_check_redis(settings, facts))
    return [*findings, *check_host(settings, facts.alive, reads_files=facts.reads_files)]


def _check_redis(settings: Settings, facts: _LocalFacts) -> Iterator[Finding]:
    url = settings.redis_url.get_secret_value() if settings.redis_url is not None else running_url(settings)
    if url is None:
        yield _future_redis(settings)
        return
    client: Any = connect(url, _TIMEOUT_S)
    try:
        with translated(), client:
            yield from _check_installation(client, settings, facts)
    except BusUnavailableError as error:
        yield fail("redis", str(error))
    except redis.ResponseError as error:
        yield fail("redis", f"Redis refuses what Patchwatch needs ({error}): {ADVICE}")


def _check_installation(client: Any, settings: Settings, facts: _LocalFacts) -> Iterator[Finding]:
    client.ping()
    yield ok("redis", "answers")
    if (begun := client.get(keys.RESTORING)) is not None:
        yield fail("restore", f"no role starts: {unfinished_restore(begun)}")
    yield _check_partition_count(client, settings)
    cameras, heartbeats = read_cameras(client), read_heartbeats(client)
    host = socket.gethostname()
    facts.reads_files = any(camera.source.startswith("file:") for camera in cameras)
    facts.alive.update(beat.role for beat in heartbeats if beat.host == host and _process_exists(beat.pid))
    yield from check_server(client, settings, len(cameras))
    by_settings = (settings.mqtt_url is not None) + (settings.sentence_url is not None)
    receivers = client.hlen(keys.WEBHOOKS) + client.hlen(keys.CHANNELS) + by_settings
    yield from check_records(client)
    yield from check_workers(heartbeats, receivers=receivers)
    yield from check_receivers(client, settings)
    yield check_partitions(client, settings, cameras)
    yield from check_weights(settings, cameras)
    yield check_memory(settings, cameras)
    yield from check_evidence(client, settings)
    for camera in cameras:
        yield from check_camera(client, settings, camera)


def _check_partition_count(client: Any, settings: Settings) -> Finding:
    stored = client.get(keys.PARTITIONS)
    if stored is not None and counted(stored) != settings.partitions:
        return fail(
            "settings",
            f"no worker starts with these settings: set PATCHWATCH_PARTITIONS to {counted(stored)}, as the "
            f"installation was begun with {counted(stored)} partitions, not with {settings.partitions}",
        )
    return ok("settings", f"{settings.partitions} partitions, as in Redis")


def _future_redis(settings: Settings) -> Finding:
    """The Redis that `patchwatch serve` would start with these settings."""
    try:
        program = first_program()
    except ConfigurationError as error:
        return fail("redis", str(error))
    folder = queue_folder(settings)
    return ok("redis", f"none runs now; `patchwatch serve` will start {program.name} and keep everything in {folder}")


def _process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
