"""The ingest worker: supervisor and RTSP server in one asyncio process; captures are its child processes."""

from __future__ import annotations

import asyncio
import logging

from patchwatch.bus.connection import connect_async
from patchwatch.contract.access_policy import is_loopback
from patchwatch.contract.settings import Settings
from workers.ingest.rtsp.server import RtspServer
from workers.ingest.source_tests import SourceTests
from workers.ingest.supervisor import Supervisor
from workers.runtime.stop_signals import stop_event, stop_or_end
from workers.tracing.span_export import check_installed

log = logging.getLogger("patchwatch.ingest")


def run(settings: Settings) -> None:
    """Runs until SIGTERM or SIGINT; a second signal ends it at once.

    Raises `ConfigurationError` without a Redis URL or without the packages that traces need, `PortTakenError` when the
    RTSP port is in use.
    """
    asyncio.run(serve(settings))


async def serve(settings: Settings) -> None:
    """The worker as a coroutine."""
    url = settings.shared_redis_url
    _warn_if_open(settings)
    if settings.trace_url is not None:
        check_installed()  # each capture would fail for it
    stop = stop_event()
    async with connect_async(url) as client:
        supervisor = Supervisor(settings, client)
        testing = asyncio.create_task(SourceTests(settings, client).run())
        async with RtspServer(settings, supervisor):
            supervising = asyncio.create_task(supervisor.run())
            await stop_or_end(supervising, stop)
        supervisor.stop()
        testing.cancel()
        await asyncio.gather(supervising, testing, return_exceptions=True)


def _warn_if_open(settings: Settings) -> None:
    if not is_loopback(settings.rtsp_host) and settings.publish_username is None:
        log.warning(
            "anybody who reaches %s:%d may publish to cameras without credentials of their own: "
            "set PATCHWATCH_PUBLISH_USERNAME and PATCHWATCH_PUBLISH_PASSWORD",
            settings.rtsp_host,
            settings.rtsp_port,
        )
