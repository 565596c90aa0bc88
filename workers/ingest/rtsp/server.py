"""The RTSP endpoint: one port where cameras publish, ``rtsp://HOST:PORT/<camera-id>``.

It is a server for RECORD alone. It takes what publishers send, throws everything but pictures away, and lets the
camera's capture process play the rest from a server on loopback.
"""

from __future__ import annotations

import asyncio
import errno
import logging

from patchwatch.contract.errors import InvalidMessageError, PortTakenError
from patchwatch.contract.settings import Settings
from workers.ingest.rtsp.admission import Admission, Cameras
from workers.ingest.rtsp.connection import BUFFER_BYTES, Connection
from workers.ingest.rtsp.local_playback import PlaybackServer
from workers.ingest.rtsp.message import answer
from workers.ingest.rtsp.peer_limits import PeerLimits
from workers.ingest.rtsp.publish_session import PublishSession, Site, refused
from workers.ingest.rtsp.refusal import Refusal
from workers.ingest.rtsp.refusal_log import RefusalLog
from workers.ingest.rtsp.waiting_publishers import WaitingPublishers
from workers.rtsp.pending_connections import PendingConnections, Wait

_SETTLED_WITHIN = 4  # times the time for one request
log = logging.getLogger("patchwatch.ingest")


class RtspServer:
    """Listens while its ``async with`` lasts. ``port`` is the real one (settings may say 0)."""

    def __init__(self, settings: Settings, cameras: Cameras, *, request_within_s: float = 5.0) -> None:
        self._settings = settings
        self._peers = PeerLimits()
        # Who has proved a password before waits in a room of its own, which strangers cannot crowd.
        self._pending = {known: PendingConnections() for known in (False, True)}
        self._refusals = RefusalLog()
        self._playbacks = PlaybackServer()
        admission = Admission(settings, cameras, self._peers)
        self._site = Site(admission, cameras, self._playbacks, WaitingPublishers(), request_within_s)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.port = settings.rtsp_port

    async def __aenter__(self) -> RtspServer:
        """Raises `PortTakenError`."""
        host, port = self._settings.rtsp_host, self._settings.rtsp_port
        try:
            self._server = await asyncio.start_server(self._connected, host, port, limit=BUFFER_BYTES)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
                raise
            raise PortTakenError(
                f"the RTSP endpoint cannot listen on {host}:{port} ({error.strerror}): end the program that does, "
                "or set PATCHWATCH_RTSP_PORT (and PATCHWATCH_RTSP_HOST)"
            ) from None
        await self._playbacks.__aenter__()
        self.port = self._server.sockets[0].getsockname()[1]
        log.info("cameras may publish to rtsp://%s:%d/CAMERA_ID", host, self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._playbacks.__aexit__()
        self._refusals.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        connection = Connection(reader, writer)
        try:
            await self._serve(connection)
        except (ConnectionError, TimeoutError) as error:
            log.debug("a publisher's connection broke: %s", error)
        except asyncio.CancelledError:
            pass  # the endpoint closes: nobody awaits this task's result
        finally:
            self._connections.discard(task)
            connection.close()

    async def _serve(self, connection: Connection) -> None:
        room = self._pending[self._peers.is_known(connection.host)]
        within_s = _SETTLED_WITHIN * self._site.request_within_s
        wait = Wait(room, connection.host, within_s, lambda why: self._turn_away(connection, why))
        try:
            await PublishSession(connection, self._site, wait).run()
        except (Refusal, InvalidMessageError) as error:
            await self._refuse(connection, error)
        finally:
            wait.end()

    def _turn_away(self, connection: Connection, why: str) -> None:
        self._refusals.note(connection.host, why)
        connection.send_now(answer(503, 0, why=f"Try again - {why}"))
        connection.close()

    async def _refuse(self, connection: Connection, error: Refusal | InvalidMessageError) -> None:
        status, cseq, why = refused(error)
        self._refusals.note(connection.host, why)
        if isinstance(error, Refusal) and error.reason is not None and error.camera_id is not None:
            detail = f"a publisher at {connection.host} was refused: {why}"
            self._site.cameras.publisher_refused(error.camera_id, error.reason, detail)
        headers = error.headers if isinstance(error, Refusal) else ()
        await connection.send(answer(status, cseq, headers, why))
        await connection.close_answered()
