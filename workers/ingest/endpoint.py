"""The RTSP endpoint: one port where cameras publish, ``rtsp://HOST:PORT/<camera-id>``.

It answers requests itself until a publisher has named a camera and proved its right; then that camera's capture
process is started, whose FFmpeg listens on loopback, and bytes are copied both ways.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
from typing import Protocol

from patchwatch.errors import BusUnavailableError, ConflictError, InvalidMessageError, NotFoundError, PortTakenError
from patchwatch.messages.camera import Camera
from patchwatch.messages.source import Source, SourceKind
from patchwatch.settings import Settings
from workers.ingest import rtsp
from workers.ingest.credentials import Gate
from workers.ingest.keeper import PublisherSlot
from workers.ingest.splice import Splice, Turned

_MAX_WAITING = 64  # connections that have not proved their right yet
_WRONG_PASSWORDS = 3  # per connection
_PUBLIC = ("Public", "OPTIONS, ANNOUNCE, SETUP, RECORD, TEARDOWN")
log = logging.getLogger("patchwatch.ingest")


class Cameras(Protocol):
    """What the endpoint needs of the supervisor."""

    def camera(self, camera_id: str) -> Camera | None: ...
    async def refresh(self) -> None: ...
    async def add_camera(self, camera: Camera) -> None: ...
    async def admit(self, camera_id: str, path: str) -> PublisherSlot: ...


class Refusal(Exception):
    """The answer to a request that ends the connection."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.cseq = 0


class Endpoint:
    """Listens while its ``async with`` lasts. ``port`` is the real one (settings may say 0)."""

    def __init__(self, settings: Settings, cameras: Cameras, *, request_within_s: float = 10.0) -> None:
        self._settings = settings
        self._cameras = cameras
        self._request_within_s = request_within_s
        self._waiting = 0
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.port = settings.rtsp_port

    async def __aenter__(self) -> Endpoint:
        """Raises `PortTakenError`."""
        host, port = self._settings.rtsp_host, self._settings.rtsp_port
        try:
            self._server = await asyncio.start_server(self._connected, host, port, limit=rtsp.MAX_HEAD_BYTES)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
                raise
            raise PortTakenError(
                f"the RTSP endpoint cannot listen on {host}:{port} ({error.strerror}): end the program that does, "
                "or set PATCHWATCH_RTSP_PORT (and PATCHWATCH_RTSP_HOST)"
            ) from None
        self.port = self._server.sockets[0].getsockname()[1]
        log.info("cameras may publish to rtsp://%s:%d/CAMERA_ID", host, self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, TimeoutError) as error:
            log.debug("a publisher's connection broke: %s", error)
        except asyncio.CancelledError:
            pass  # the endpoint closes: nobody awaits this task's result
        finally:
            self._connections.discard(task)
            writer.transport.abort() if writer.is_closing() else writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str((writer.get_extra_info("peername") or ["?"])[0])
        self._waiting += 1
        try:
            if self._waiting > _MAX_WAITING:
                raise Refusal(503, "Too many connections")
            async with asyncio.timeout(4 * self._request_within_s):
                admitted = await _Doorkeeper(self, reader, writer).admitted()
        except Refusal as refusal:
            await _refuse(writer, peer, refusal.status, refusal.cseq, str(refusal))
            return
        except InvalidMessageError as error:
            await _refuse(writer, peer, 400, 0, str(error))
            return
        finally:
            self._waiting -= 1
        if admitted is not None:
            await self._receive(reader, writer, peer, *admitted)

    async def _receive(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str, camera_id: str,
        announce: rtsp.Message,
    ) -> None:  # fmt: skip
        try:
            slot = await self._cameras.admit(camera_id, announce.path)
        except NotFoundError:
            return
        except (BusUnavailableError, ConflictError) as error:
            log.warning("a publisher at %s was turned away: %s", peer, error)
            return
        log.info("camera %s: a publisher at %s connected", camera_id, peer)
        splice = Splice(reader, writer, slot, udp_allowed=_is_local(peer))
        try:
            await splice.run(announce)
        except (Turned, InvalidMessageError) as error:
            log.info("camera %s: the publisher at %s was turned away: %s", camera_id, peer, error)
        finally:
            slot.leave()

    async def camera_of(self, request: rtsp.Message, gate_passed: bool = False) -> Camera | None:
        """The camera a request names; None for one that may be created. Raises `Refusal`."""
        camera_id = request.camera_id
        if camera_id is None:
            raise Refusal(404, "The path must be a camera id")
        camera = self._cameras.camera(camera_id)
        if camera is None:
            with contextlib.suppress(BusUnavailableError):
                await self._cameras.refresh()
                if gate_passed and self._settings.accept_unknown_publishers and not self._cameras.camera(camera_id):
                    await self._cameras.add_camera(Camera(id=camera_id, source="push:"))
            camera = self._cameras.camera(camera_id)
        if camera is None:
            if self._settings.accept_unknown_publishers and not gate_passed:
                return None
            raise Refusal(404, f"No camera {camera_id}")
        if not camera.enabled:
            raise Refusal(403, f"Camera {camera_id} is disabled")
        if Source.parse(camera.source).kind is not SourceKind.PUSH:
            raise Refusal(403, f"Camera {camera_id} does not have the source push:")
        return camera

    def gate(self, camera: Camera | None) -> Gate:
        return Gate.of(camera, self._settings)

    @property
    def request_within_s(self) -> float:
        return self._request_within_s


class _Doorkeeper:
    """Talks with one peer until it may publish, left, or is refused."""

    def __init__(self, endpoint: Endpoint, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._endpoint = endpoint
        self._reader = reader
        self._writer = writer
        self._gate: Gate | None = None
        self._wrong = 0

    async def admitted(self) -> tuple[str, rtsp.Message] | None:
        """Camera id and the ANNOUNCE to pass on; None when the peer left. Raises `Refusal`, `InvalidMessageError`."""
        while (request := await rtsp.read_request(self._reader, self._endpoint.request_within_s)) is not None:
            try:
                if await self._let_in(request):
                    assert request.camera_id is not None
                    return request.camera_id, request
            except Refusal as refusal:
                refusal.cseq = request.cseq
                raise
        return None

    async def _let_in(self, request: rtsp.Message) -> bool:
        cseq = request.cseq
        if request.first == "OPTIONS":
            if request.second != "*":
                await self._endpoint.camera_of(request)
            self._writer.write(rtsp.answer(200, cseq, [_PUBLIC]))
            return False
        if request.first != "ANNOUNCE":
            raise Refusal(405, "This endpoint only receives - publish with ANNOUNCE and RECORD")
        camera = await self._endpoint.camera_of(request)
        self._gate = self._gate or self._endpoint.gate(camera)
        authorization = request.header("Authorization")
        if not self._gate.admits(request.first, request.second, authorization):
            await self._challenge(cseq, given=authorization is not None)
            return False
        await self._endpoint.camera_of(request, gate_passed=True)
        return True

    async def _challenge(self, cseq: int, given: bool) -> None:
        assert self._gate is not None
        self._wrong += given
        if self._wrong >= _WRONG_PASSWORDS:
            raise Refusal(403, "Wrong user or password")
        self._writer.write(rtsp.answer(401, cseq, self._gate.challenges()))
        await self._writer.drain()


async def _refuse(writer: asyncio.StreamWriter, peer: str, status: int, cseq: int, why: str) -> None:
    log.info("a publisher at %s was refused: %s", peer, why)
    writer.write(rtsp.answer(status, cseq, [_PUBLIC], why))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(writer.drain(), 1)


def _is_local(peer: str) -> bool:
    try:
        return ipaddress.ip_address(peer.partition("%")[0]).is_loopback
    except ValueError:
        return False
