"""The RTSP endpoint: one port where cameras publish, ``rtsp://HOST:PORT/<camera-id>``.

It is a server for RECORD alone. It receives what publishers send, discards everything but video, and lets the camera's
capture process play the video from a server on loopback.
"""

from __future__ import annotations

import asyncio
import errno
import logging

from patchwatch.contract.errors import InvalidMessageError, PortTakenError
from patchwatch.contract.settings import Settings
from workers.ingest.rtsp.admission import Admission, Cameras
from workers.ingest.rtsp.connection import Connection
from workers.ingest.rtsp.local_playback import PlaybackServer
from workers.ingest.rtsp.peer_limits import PeerLimits
from workers.ingest.rtsp.publish_session import PublishSession, SessionContext, WaitingPublishers
from workers.ingest.rtsp.refusal import Refusal, RefusalLog
from workers.rtsp.message import Response
from workers.rtsp.parser import BUFFER_BYTES
from workers.rtsp.pending_connections import PendingConnection, PendingConnections

_REQUESTS_TO_RECORD = 4  # A publisher has the time of so many requests to start recording.
log = logging.getLogger("patchwatch.ingest")


class RtspServer:
    """Listens while its ``async with`` lasts. ``port`` is the real one (settings may say 0)."""

    def __init__(self, settings: Settings, cameras: Cameras, *, request_within_s: float = 5.0) -> None:
        self._settings = settings
        self._peers = PeerLimits()
        # Peers that have proved a password before are limited separately, so that strangers cannot keep them out.
        self._pending = {trusted: PendingConnections() for trusted in (False, True)}
        self._refusals = RefusalLog()
        self._playbacks = PlaybackServer()
        admission = Admission(settings, cameras, self._peers)
        self._context = SessionContext(admission, cameras, self._playbacks, WaitingPublishers(), request_within_s)
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
            pass  # The server closes: nobody awaits this task's result.
        finally:
            self._connections.discard(task)
            connection.close()

    async def _serve(self, connection: Connection) -> None:
        connections = self._pending[self._peers.is_trusted(connection.host)]
        within_s = _REQUESTS_TO_RECORD * self._context.request_within_s
        pending = PendingConnection(connections, connection.host, within_s, lambda why: self._reject(connection, why))
        try:
            await PublishSession(connection, self._context, pending).run()
        except Refusal as refusal:
            await self._refuse(connection, refusal)
        except InvalidMessageError as error:
            await self._refuse(connection, Refusal(400, str(error)))
        finally:
            pending.end()

    def _reject(self, connection: Connection, why: str) -> None:
        self._refusals.record(connection.host, why)
        connection.send_now(Response.from_status(503, 0, reason=f"Try again - {why}").encode())
        connection.close()

    async def _refuse(self, connection: Connection, refusal: Refusal) -> None:
        why = str(refusal)
        self._refusals.record(connection.host, why)
        if refusal.reason is not None and refusal.camera_id is not None:
            detail = f"a publisher at {connection.host} was refused: {why}"
            self._context.cameras.publisher_refused(refusal.camera_id, refusal.reason, detail)
        await connection.send(Response.from_status(refusal.status, refusal.cseq, refusal.headers, why))
        await connection.close_after_response()
