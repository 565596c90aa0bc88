"""One publisher's session: ANNOUNCE, SETUP of each track, RECORD, and its requests while it records."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from patchwatch.contract.errors import BusUnavailableError, ConflictError, InvalidMessageError, NotFoundError
from workers.ingest.camera_capture import PublisherSlot
from workers.ingest.rtsp.admission import Admission, Cameras
from workers.ingest.rtsp.authentication import camera_id_of, new_nonce
from workers.ingest.rtsp.connection import Connection
from workers.ingest.rtsp.local_playback import PlaybackServer
from workers.ingest.rtsp.publication import Publication
from workers.ingest.rtsp.refusal import Refusal
from workers.rtsp.message import Packet, Request, Response, path_of
from workers.rtsp.pending_connections import PendingConnection

_WRONG_PASSWORDS = 3  # Per connection.
_MAX_REQUESTS = 100  # Up to RECORD; real publishers need ten.
# A camera gives up when RECORD is not answered, the most impatient after 5 s. A capture takes two seconds to start and
# more on a busy machine, so RECORD is answered before: over TCP what the camera sends meanwhile waits in the
# connection. Over UDP nothing waits, and only programs on this machine publish over UDP, which are patient.
_ANSWER_RECORD_WITHIN_S = 3.0
_ANSWER_OVER_UDP_WITHIN_S = 20.0
_CAPTURE_ENDS_WITHIN_S = 10.0
_PUBLIC = ("Public", "OPTIONS, ANNOUNCE, SETUP, RECORD, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN")
log = logging.getLogger("patchwatch.ingest")


class WaitingPublishers:
    """Publishers that wait for their camera's capture to start: the newest of a camera stays, earlier ones are
    cancelled."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Task[None]] = {}

    @contextmanager
    def newest(self, camera_id: str) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None
        if before := self._waiting.get(camera_id):
            before.cancel()
        self._waiting[camera_id] = task
        try:
            yield
        finally:
            if self._waiting.get(camera_id) is task:
                del self._waiting[camera_id]


@dataclass(frozen=True)
class SessionContext:
    """What the sessions of one server share."""

    admission: Admission
    cameras: Cameras
    playbacks: PlaybackServer
    waiting: WaitingPublishers
    request_within_s: float


class PublishSession:
    """`run` it until the publisher is gone. ``pending`` ends once the publisher is admitted and ready to record."""

    def __init__(self, connection: Connection, context: SessionContext, pending: PendingConnection) -> None:
        self._connection = connection
        self._context = context
        self._pending = pending
        self._nonce = new_nonce()
        self._session = new_nonce()[:16]
        self._wrong_passwords = 0
        self._requests = 0
        self._admitted = False
        self._unresolved: Refusal | None = None  # The reason to report if the publisher leaves now.
        self._publication: Publication | None = None
        self._slot: PublisherSlot | None = None
        self._closing: asyncio.Task[None] | None = None
        self._methods: Mapping[str, Callable[[Request], Awaitable[list[tuple[str, str]]]]] = {
            "OPTIONS": self._options, "GET_PARAMETER": self._options, "SET_PARAMETER": self._options,
            "ANNOUNCE": self._announce, "SETUP": self._set_up, "RECORD": self._record, "PAUSE": self._pause,
            "TEARDOWN": self._tear_down,
        }  # fmt: skip

    async def run(self) -> None:
        """Raises the `Refusal` or `InvalidMessageError` that ends it, not answered yet, and `ConnectionError`."""
        self._pending.begin()
        try:
            while (event := await self._next()) is not None:
                if isinstance(event, Packet):
                    self._receive(event)
                else:
                    await self._respond(event)
        finally:
            self._end_publication()
            self._report_unresolved()

    async def _next(self) -> Request | Packet | None:
        """The publisher's next request or packet. Packets received so far are passed on before waiting."""
        if self._slot is None or self._publication is None or self._publication.playback is None:
            return await self._connection.next(self._context.request_within_s)
        playback = self._publication.playback
        await playback.played.wait()
        if (event := self._connection.ready()) is not None:
            return event
        try:
            await playback.flush()
        except ConnectionError:  # The capture ended, not the publisher: wait until the capture's end is known.
            await _first_of(self._slot.ended, self._slot.left, within_s=_CAPTURE_ENDS_WITHIN_S)
            return None
        return await self._connection.next(None)

    def _receive(self, packet: Packet) -> None:
        if not self._admitted:
            raise InvalidMessageError("packets before an ANNOUNCE")
        if self._publication is not None:
            self._publication.receive(packet)

    async def _respond(self, request: Request) -> None:
        cseq = request.cseq
        self._requests += self._slot is None
        if self._requests > _MAX_REQUESTS:
            raise InvalidMessageError(f"more than {_MAX_REQUESTS} requests without RECORD")
        try:
            method = self._methods.get(request.method)
            if method is None:
                raise Refusal(405, "This endpoint only receives - publish with ANNOUNCE and RECORD")
            headers = await method(request)
        except Refusal as refusal:
            refusal.cseq = cseq
            self._count_wrong_password(refusal, request)
            self._unresolved = None if refusal.closes else refusal
            if refusal.closes:
                raise
            await self._connection.send(Response.from_status(refusal.status, cseq, refusal.headers, str(refusal)))
        else:
            await self._connection.send(Response.from_status(200, cseq, headers))

    def _count_wrong_password(self, refusal: Refusal, request: Request) -> None:
        self._wrong_passwords += refusal.status == 401 and request.headers.get("Authorization") is not None
        if refusal.status == 401 and self._wrong_passwords >= _WRONG_PASSWORDS:
            refusal.status, refusal.closes = 403, True

    async def _options(self, _: Request) -> list[tuple[str, str]]:
        return [_PUBLIC]

    async def _announce(self, request: Request) -> list[tuple[str, str]]:
        camera = await self._context.admission.camera_for(request, self._connection.host, self._nonce)
        self._unresolved = None
        self._admitted = True
        self._end_publication()  # A connection may publish again, to another camera.
        self._publication = Publication.from_announce(camera, request.body, self._connection)
        return []

    async def _set_up(self, request: Request) -> list[tuple[str, str]]:
        publication = self._announced(request)
        if self._slot is not None:
            raise Refusal(455, "Set up every track before RECORD", closes=False)
        transport = await publication.set_up(request)
        self._unresolved = None
        return [("Session", f"{self._session};timeout=60"), ("Transport", transport)]

    async def _record(self, request: Request) -> list[tuple[str, str]]:
        publication = self._announced(request)
        if not publication.video:
            raise Refusal(455, "Set up a video track first", closes=False)
        if self._slot is None:
            await self._start_capture(publication)
        return [("Session", self._session)]

    async def _pause(self, request: Request) -> list[tuple[str, str]]:
        self._announced(request)
        return [("Session", self._session)]

    async def _tear_down(self, _: Request) -> list[tuple[str, str]]:
        self._end_publication()
        return []

    def _announced(self, request: Request) -> Publication:
        """What this connection publishes. A request that names another camera is refused."""
        if self._publication is None:
            raise Refusal(455, "ANNOUNCE first", closes=False)
        first = camera_id_of(path_of(request.uri).strip("/").partition("/")[0])
        controls = [track.control.strip("/") for track in self._publication.tracks]
        if first not in (None, self._publication.camera.id) and request.uri not in controls and first not in controls:
            raise Refusal(404, f"This connection publishes to camera {self._publication.camera.id}", closes=False)
        return self._publication

    async def _start_capture(self, publication: Publication) -> None:
        camera = publication.camera
        await self._context.admission.recheck(camera)
        self._pending.end()
        playback = self._context.playbacks.offer(camera.id, publication.video, publication.send_report)
        publication.start(playback)
        with self._context.waiting.newest(camera.id):
            try:
                self._slot = await self._context.cameras.admit(camera.id, playback.url)
            except (BusUnavailableError, ConflictError, NotFoundError) as error:
                raise Refusal(503, f"Try again - {error}") from None
            within_s = _ANSWER_OVER_UDP_WITHIN_S if publication.over_udp else _ANSWER_RECORD_WITHIN_S
            await _until_played(playback.played, self._slot, within_s)
        self._requests = 0
        log.info("camera %s: a publisher at %s connected", camera.id, self._connection.host)
        self._closing = asyncio.create_task(self._close_with(self._slot))

    async def _close_with(self, slot: PublisherSlot) -> None:
        """Disconnect the publisher when its capture has ended or a newer publisher has taken its slot."""
        await _first_of(slot.ended, slot.left)
        if self._publication is not None and self._publication.playback is not None:
            self._context.playbacks.withdraw(self._publication.playback)
        self._connection.close()

    def _end_publication(self) -> None:
        """End what is being published, if anything."""
        if self._closing is not None:
            self._closing.cancel()
        if self._publication is not None:
            self._publication.close()
            if self._publication.playback is not None:
                self._context.playbacks.withdraw(self._publication.playback)
        if self._slot is not None:
            self._slot.leave()
            self._pending.begin()
        self._closing = self._publication = self._slot = None

    def _report_unresolved(self) -> None:
        refusal = self._unresolved
        if refusal is not None and refusal.reason is not None and refusal.camera_id is not None:
            detail = f"a publisher at {self._connection.host} left after the answer: {refusal}"
            self._context.cameras.publisher_refused(refusal.camera_id, refusal.reason, detail)


async def _until_played(played: asyncio.Event, slot: PublisherSlot, within_s: float) -> None:
    await _first_of(played, slot.ended, slot.left, within_s=within_s)
    if slot.left.is_set():
        raise Refusal(503, "A newer publisher took this camera")
    if slot.ended.is_set():
        raise Refusal(503, f"The capture did not start - {slot.end_reason or 'the status of the camera says why'}")


async def _first_of(*events: asyncio.Event, within_s: float | None = None) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
