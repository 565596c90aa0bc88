"""Users, tokens and the audit log for commands: in Redis itself, so also where nobody can log in."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import typer

from patchwatch.bus.connection import connect_async
from patchwatch.cli.options import stdin_line
from patchwatch.contract.errors import RejectedError
from patchwatch.contract.settings import Settings, load_settings
from patchwatch.local_redis.redis_at_hand import redis_at_hand
from patchwatch.messages.access.audit_entry import AuditEntry

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from service.store.access import AccessStore

T = TypeVar("T")
_MOST_LISTED = 5


def with_access(work: Callable[[AccessStore], Awaitable[T]], cameras: list[str] | None = None) -> T:
    """What ``work`` returns. Raises `RejectedError` where one of ``cameras`` does not exist, `BusUnavailableError`."""
    settings = load_settings()

    async def run(url: str) -> T:
        from service.store.access import AccessStore

        bus = connect_async(url)
        try:
            await _check_cameras(bus, settings, cameras or [])
            return await work(AccessStore.from_redis(bus, settings.session_hours))
        finally:
            await bus.aclose()

    with redis_at_hand(settings) as url:
        return asyncio.run(run(url))


async def note(store: AccessStore, action: str, changes: dict[str, tuple[str | None, str | None]]) -> None:
    """Add what a command did to the audit log. ``changes``: by field, before and after, without secrets."""
    await store.audit.add(AuditEntry(at_ms=now_ms(), who=_who(), via="command", action=action, changes=changes))


def now_ms() -> int:
    """Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


def asked_password() -> str:
    """A password: asked for twice at a terminal, or else the next line of standard input."""
    if not sys.stdin.isatty():
        return stdin_line()
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer


async def _check_cameras(bus: Redis, settings: Settings, cameras: list[str]) -> None:
    from service.store.cameras.cameras import CameraStore

    known = await CameraStore(bus, settings.partitions).ids() if cameras else []
    if unknown := [name for name in dict.fromkeys(cameras) if name not in known]:
        raise RejectedError(f"there is no camera {', '.join(unknown[:_MOST_LISTED])}: see `patchwatch cameras list`")


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without an entry in passwd
        return f"uid {os.getuid()}"
