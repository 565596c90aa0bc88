"""The connection to a pulled camera: FFmpeg speaks to us on loopback, and we to the camera.

FFmpeg resolves names itself, follows redirects to any address with the first one's password, checks no certificate
and knows MD5 digests only; it has no option against that. So it is given an address of ours, without a password, and
what passes between it and the camera is looked at here (`docs/decisions/025`).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import secrets
import ssl
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

from patchwatch.contract.errors import PatchwatchError, SourceRejectedError, SourceUnavailableError
from patchwatch.messages.capture_status import Reason
from workers.rtsp.pending_connections import PendingConnections, Wait
from workers.rtsp_client.camera_address import camera_addresses
from workers.rtsp_client.challenge import KNOWN, Challenge
from workers.rtsp_client.message import LINE_LIMIT, MalformedError, Packet, RtspMessage, read
from workers.rtsp_client.target import Target
from workers.rtsp_client.tls import TlsOptions, untrusted
from workers.runtime.open_files import no_more_files

_LOOPBACK = "127.0.0.1"
_SILENT = 8  # connections to us that have asked for nothing yet; FFmpeg asks at once
_UNANSWERED = 16  # requests of FFmpeg's, which asks one after the other
_STOP_WITHIN_S = 2.0
_TURNS_TO_CLOSE = 3  # of the event loop, until an aborted connection is closed

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Relay:
    """One connection to a camera, for one FFmpeg: give it `url`. A thread of its own; close it.

    ``packets`` counts what came in between messages, which is nothing over UDP. ``redirect`` is where the camera sent
    us instead of answering; ``verdict`` says why it let us not in, where that is known better here than by FFmpeg.
    """

    def __init__(self, target: Target, tls: TlsOptions, *, timeout_s: float, allow_link_local: bool) -> None:
        self._target = target
        self._tls = tls
        self._timeout_s = timeout_s
        self._allow_link_local = allow_link_local
        self._path = f"/{secrets.token_hex(16)}"  # whoever else finds our port does not know it
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._port = 0
        self._address = ""
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._silent = PendingConnections(_SILENT, _SILENT)
        self._challenge: Challenge | None = None
        self._requests: dict[str, tuple[RtspMessage, bool]] = {}  # by CSeq: what was asked, and whether with an answer
        self.packets = 0  # of media that came
        self.redirect: str | None = None
        self.verdict: PatchwatchError | None = None

    @classmethod
    def open(cls, target: Target, tls: TlsOptions, *, timeout_s: float, allow_link_local: bool = False) -> Relay:
        """Connect to the camera. Raises `SourceUnavailableError` or `SourceRejectedError`."""
        relay = cls(target, tls, timeout_s=timeout_s, allow_link_local=allow_link_local)
        relay._thread.start()
        try:
            relay._call(relay._begin())
        except BaseException:
            relay.close()
            raise
        return relay

    @property
    def url(self) -> str:
        return f"{self._local}{self._target.path}"

    @property
    def shown(self) -> str:
        return self._target.shown

    @property
    def _local(self) -> str:
        return f"rtsp://{_LOOPBACK}:{self._port}{self._path}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection and the thread. May be called again."""
        if self._thread.is_alive():
            with contextlib.suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(self._cancel_all(), self._loop).result(_STOP_WITHIN_S)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_STOP_WITHIN_S)
        if not self._thread.is_alive():
            self._loop.close()

    def _call(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result()

    async def _cancel_all(self) -> None:
        if self._server is not None:
            self._server.close()
        writers = list(self._writers)
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
        for _ in range(_TURNS_TO_CLOSE):
            await asyncio.sleep(0)

    # Connecting -----------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                camera = await self._connect()
        except TimeoutError:
            raise SourceUnavailableError(
                f"{self._target.shown} does not answer in time: check the address and the network", Reason.TIMEOUT
            ) from None
        except OSError as error:
            raise self._unreachable(error) from None
        self._server = await asyncio.start_server(
            lambda reader, writer: self._serve((reader, writer), camera), _LOOPBACK, 0, limit=LINE_LIMIT
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def _connect(self) -> Streams:
        """To the first of the checked addresses that answers."""
        target = self._target
        addresses = await asyncio.to_thread(
            camera_addresses, target.host, target.port, target.shown, allow_link_local=self._allow_link_local
        )
        errors: list[OSError] = []
        for self._address in addresses:
            try:
                return await self._connect_to(self._address)
            except ssl.SSLCertVerificationError as error:
                raise untrusted(target.shown, error.verify_message, await self._certificate()) from None
            except OSError as error:
                errors.append(error)
        raise errors[0]

    async def _connect_to(self, address: str, tls: TlsOptions | None = None) -> Streams:
        tls = tls or self._tls
        secure: dict[str, Any] = {}
        if self._target.secure:
            secure = {"ssl": tls.context(), "server_hostname": self._target.host}
        streams = await asyncio.open_connection(address, self._target.port, limit=LINE_LIMIT, **secure)
        self._writers.add(streams[1])
        if secure:
            tls.check(_certificate_of(streams[1]), self._target.shown)
        return streams

    async def _certificate(self) -> bytes | None:
        """What the camera shows; nothing is said to it."""
        try:
            _, writer = await self._connect_to(self._address, TlsOptions(verify=False))
        except OSError:
            return None
        return _certificate_of(writer)

    def _unreachable(self, error: OSError) -> PatchwatchError:
        shown = self._target.shown
        if isinstance(error, ConnectionRefusedError):
            return SourceUnavailableError(
                f"{shown}: nothing listens on that port: check the port and that the camera's RTSP is on",
                Reason.REFUSED,
            )
        if isinstance(error, ssl.SSLError):
            return SourceUnavailableError(
                f"{shown} does not speak TLS as it should ({error.reason or 'no handshake'}): check the port, "
                "or use rtsp:// if the camera's RTSP is not ciphered",
                Reason.TLS,
            )
        if error.errno in (errno.EMFILE, errno.ENFILE):
            return no_more_files(shown)
        return SourceUnavailableError(
            f"{shown} cannot be reached ({error.strerror or 'no connection'}): check the host name and the network",
            Reason.UNREACHABLE,
        )

    # Passing on -----------------------------------------------------------------------------------------------

    async def _serve(self, ffmpeg: Streams, camera: Streams) -> None:
        self._writers.add(ffmpeg[1])
        try:
            first = await self._first_of(ffmpeg)
            server, ours = self._server, isinstance(first, RtspMessage) and first.uri.startswith(self._local)
            if server is None or not ours or not isinstance(first, RtspMessage):
                return  # another local user's
            self._server = None
            server.close()
            await self._pass_on(first, ffmpeg, camera)
        except (MalformedError, OSError):
            pass  # FFmpeg sees the connection end
        finally:
            ffmpeg[1].close()
            self._writers.discard(ffmpeg[1])

    async def _first_of(self, streams: Streams) -> RtspMessage | Packet | None:
        """What a connection says first, if it says so in time, and before too many newer ones are silent too."""
        wait = Wait(self._silent, _LOOPBACK, self._timeout_s, lambda _: streams[1].transport.abort())
        wait.begin()
        try:
            return await read(streams[0])
        finally:
            wait.end()

    async def _pass_on(self, first: RtspMessage, ffmpeg: Streams, camera: Streams) -> None:
        await self._ask(first, camera[1])
        ways = [
            asyncio.create_task(self._requests_of(ffmpeg[0], camera[1])),
            asyncio.create_task(self._answers_of(camera, ffmpeg[1])),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            camera[1].close()

    async def _requests_of(self, reader: asyncio.StreamReader, camera: asyncio.StreamWriter) -> None:
        while (message := await read(reader)) is not None:
            if isinstance(message, Packet) or message.is_answer:
                await _send(camera, message.data if isinstance(message, Packet) else message.encode())
            else:
                await self._ask(message, camera)

    async def _ask(self, request: RtspMessage, camera: asyncio.StreamWriter, *, again: bool = False) -> None:
        uri = request.uri
        if uri.startswith(self._local):
            uri = self._target.base + uri.removeprefix(self._local)
        request = RtspMessage(f"{request.method} {uri} RTSP/1.0", request.headers, request.body)
        credentials, challenge = self._target.credentials, self._challenge
        if credentials is not None and challenge is not None:
            request = request.having("Authorization", challenge.answer(credentials, request.method, uri))
        while len(self._requests) >= _UNANSWERED:
            self._requests.pop(next(iter(self._requests)))
        self._requests[request.get("CSeq") or ""] = request, again
        await _send(camera, request.encode())

    async def _answers_of(self, camera: Streams, ffmpeg: asyncio.StreamWriter) -> None:
        while (message := await read(camera[0])) is not None:
            if isinstance(message, Packet):
                self.packets += 1
                await _send(ffmpeg, message.data)
                continue
            request, again = self._requests.pop(message.get("CSeq") or "", (None, False))
            if 300 <= message.status < 400:
                self.redirect = message.get("Location") or ""
                return
            if message.status == 401 and request is not None and await self._answered(message, request, again, camera):
                continue
            if not self._tells_ports(message):
                return
            # Without the challenge: FFmpeg, which has no answer, would ask again.
            await _send(ffmpeg, self._own_source(message).without("WWW-Authenticate").encode())

    async def _answered(self, refusal: RtspMessage, request: RtspMessage, again: bool, camera: Streams) -> bool:
        """Ask once more, with the answer to the camera's challenge; False when there is none, or it was refused."""
        shown = self._target.shown
        offers = refusal.all("WWW-Authenticate")
        challenge = Challenge.best_of(offers)
        if self._target.credentials is None:
            self.verdict = SourceRejectedError(
                f"{shown} asks for user and password: put them into the camera's source, rtsp://USER:PASSWORD@HOST/...",
                Reason.AUTH,
            )
        elif challenge is None:
            offered = ", ".join(offer[:100] for offer in offers[:4]) or "nothing"
            self.verdict = SourceRejectedError(
                f"{shown} lets nobody in by a way known here ({KNOWN}); it offers: {offered}. "
                "Choose another in the camera's settings (RTSP authentication)",
                Reason.AUTH,
            )
        elif not again:
            self._challenge = challenge
            await self._ask(request, camera[1], again=True)
            return True
        return False

    def _tells_ports(self, message: RtspMessage) -> bool:
        """Media over UDP is taken from the ports that the camera names: from any, it would be anybody's."""
        transport = _over_udp(message)
        if transport is None or any(part.strip().lower().startswith("server_port=") for part in transport.split(";")):
            return True
        self.verdict = SourceRejectedError(
            f"{self._target.shown} does not tell from which ports it sends over UDP (server_port), so its pictures "
            "cannot be told from those of strangers: set the camera's transport to tcp",
            Reason.REFUSED,
        )
        return False

    def _own_source(self, message: RtspMessage) -> RtspMessage:
        """FFmpeg takes media over UDP to come from where it connected to, which is us, or from wherever the answer
        says: let it be the camera, and no other."""
        transport = _over_udp(message)
        if transport is None:
            return message
        kept = [part for part in transport.split(";") if not part.strip().lower().startswith("source=")]
        return message.having("Transport", ";".join([*kept, f"source={self._address}"]))


def _over_udp(message: RtspMessage) -> str | None:
    """The Transport header of an answer, where it is of media over UDP."""
    transport = message.get("Transport")
    return None if transport is None or message.status != 200 or "tcp" in transport.lower() else transport


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


def _certificate_of(writer: asyncio.StreamWriter) -> bytes:
    found: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return found or b""
