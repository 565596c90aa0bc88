"""A relay between FFmpeg, which connects to it on loopback, and a pulled camera.

Left to itself, FFmpeg resolves names again, follows redirects to any address with the first one's password, verifies no
certificate and knows MD5 digests only; no option changes that. So it gets a URL of the relay, without a password, and
the relay checks what passes between it and the camera (`docs/decisions/025`).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import secrets
import ssl
import threading
from collections.abc import Coroutine
from dataclasses import replace
from types import TracebackType
from typing import Any, Self, cast

from patchwatch.contract.errors import InvalidMessageError, PatchwatchError, SourceRejectedError, SourceUnavailableError
from patchwatch.messages.cameras.capture_status import Reason
from workers.rtsp.message import Packet, Request, Response
from workers.rtsp.parser import BUFFER_BYTES, Event, Limits, MessageReader
from workers.rtsp.pending_connections import PendingConnection, PendingConnections
from workers.rtsp_client.camera_address import camera_addresses
from workers.rtsp_client.challenge import SUPPORTED, Challenge
from workers.rtsp_client.packet_pump import PacketPump
from workers.rtsp_client.target import Target
from workers.rtsp_client.tls import TlsOptions, untrusted
from workers.runtime.processes.open_files import no_more_files

_LOOPBACK = "127.0.0.1"
_MAX_PENDING = 8  # Connections that have sent no request yet; FFmpeg sends one at once.
_MAX_UNANSWERED = 16  # Requests; FFmpeg sends one after the other.
CAMERA_LIMITS = Limits(head_bytes=1 << 16, body_bytes=1 << 20)
_STOP_WITHIN_S = 2.0
_TURNS_TO_CLOSE = 3  # Turns of the event loop until an aborted connection is closed.

Streams = tuple[MessageReader, asyncio.StreamWriter]


class Relay:
    """One connection to a camera, for one FFmpeg, which opens `url`. Runs a thread of its own; close it.

    ``packets`` counts interleaved packets, of which there are none over UDP; ``playing``: the camera has agreed to
    send. ``redirect`` is the location that the camera sent instead of an answer; ``error`` is why the camera cannot be
    read, where the relay knows it better than FFmpeg.
    """

    def __init__(self, target: Target, tls: TlsOptions, *, timeout_s: float, allow_link_local: bool) -> None:
        self._target = target
        self._tls = tls
        self._timeout_s = timeout_s
        self._allow_link_local = allow_link_local
        self._path = f"/{secrets.token_hex(16)}"  # Others who find the port do not know the path.
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._port = 0
        self._address = ""
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._pending = PendingConnections(_MAX_PENDING, _MAX_PENDING)
        self._challenge: Challenge | None = None
        self._requests: dict[str, tuple[Request, bool]] = {}  # By CSeq, with whether it was repeated.
        self._pump: PacketPump | None = None
        self.playing = False
        self.redirect: str | None = None
        self.error: PatchwatchError | None = None

    @classmethod
    def open(cls, target: Target, tls: TlsOptions, *, timeout_s: float, allow_link_local: bool = False) -> Relay:
        """Connect to the camera. Raises `SourceUnavailableError` or `SourceRejectedError`."""
        relay = cls(target, tls, timeout_s=timeout_s, allow_link_local=allow_link_local)
        relay._thread.start()
        try:
            relay._call(relay._start())
        except BaseException:
            relay.close()
            raise
        return relay

    @property
    def url(self) -> str:
        return f"{self._local}{self._target.path}"

    @property
    def packets(self) -> int:
        return 0 if self._pump is None else self._pump.packets

    @property
    def display_url(self) -> str:
        return self._target.display_url

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

    def _call(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

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

    async def _start(self) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                camera = await self._connect()
        except TimeoutError:
            raise SourceUnavailableError(
                f"{self._target.display_url} does not answer in time: check the address and the network", Reason.TIMEOUT
            ) from None
        except OSError as error:
            raise self._unreachable(error) from None
        self._server = await asyncio.start_server(
            lambda reader, writer: self._serve((MessageReader(reader, CAMERA_LIMITS), writer), camera),
            _LOOPBACK, 0, limit=BUFFER_BYTES,
        )  # fmt: skip
        self._port = self._server.sockets[0].getsockname()[1]

    async def _connect(self) -> Streams:
        """Connect to the first of the checked addresses that answers."""
        target = self._target
        addresses = await asyncio.to_thread(
            camera_addresses, target.host, target.port, target.display_url, allow_link_local=self._allow_link_local
        )
        errors: list[OSError] = []
        for self._address in addresses:
            try:
                return await self._connect_to(self._address)
            except ssl.SSLCertVerificationError as error:
                raise untrusted(target.display_url, error.verify_message, await self._certificate()) from None
            except OSError as error:
                errors.append(error)
        raise errors[0]

    async def _connect_to(self, address: str, tls: TlsOptions | None = None) -> Streams:
        tls = tls or self._tls
        secure: dict[str, Any] = {}
        if self._target.secure:
            secure = {"ssl": tls.context(), "server_hostname": self._target.host}
        reader, writer = await asyncio.open_connection(address, self._target.port, limit=BUFFER_BYTES, **secure)
        self._writers.add(writer)
        if secure:
            tls.check(_certificate_of(writer), self._target.display_url)
        return MessageReader(reader, CAMERA_LIMITS), writer

    async def _certificate(self) -> bytes | None:
        """The certificate that the camera presents; no request is sent."""
        try:
            _, writer = await self._connect_to(self._address, TlsOptions(verify=False))
        except OSError:
            return None
        return _certificate_of(writer)

    def _unreachable(self, error: OSError) -> PatchwatchError:
        name = self._target.display_url
        if isinstance(error, ConnectionRefusedError):
            return SourceUnavailableError(
                f"{name}: nothing listens on that port: check the port and that the camera's RTSP is on",
                Reason.REFUSED,
            )
        if isinstance(error, ssl.SSLError):
            return SourceUnavailableError(
                f"{name} does not speak TLS as it should ({error.reason or 'no handshake'}): check the port, "
                "or use rtsp:// if the camera's RTSP is not encrypted",
                Reason.TLS,
            )
        if error.errno in (errno.EMFILE, errno.ENFILE):
            return no_more_files(name)
        return SourceUnavailableError(
            f"{name} cannot be reached ({error.strerror or 'no connection'}): check the host name and the network",
            Reason.UNREACHABLE,
        )

    # Relaying -------------------------------------------------------------------------------------------------

    async def _serve(self, ffmpeg: Streams, camera: Streams) -> None:
        self._writers.add(ffmpeg[1])
        try:
            first = await self._first_of(ffmpeg)
            server = self._server
            if server is None or not isinstance(first, Request) or not first.uri.startswith(self._local):
                return  # Another local user's connection.
            self._server = None
            server.close()
            await self._relay(first, ffmpeg, camera)
        except (InvalidMessageError, OSError):
            pass  # FFmpeg sees the connection end.
        finally:
            ffmpeg[1].close()
            self._writers.discard(ffmpeg[1])

    async def _first_of(self, streams: Streams) -> Event | None:
        """A connection's first message, unless it takes too long or too many newer connections are silent too."""
        reader, writer = streams
        pending = PendingConnection(self._pending, _LOOPBACK, self._timeout_s, lambda _: writer.transport.abort())
        pending.begin()
        try:
            return await reader.next()
        finally:
            pending.end()

    async def _relay(self, first: Request, ffmpeg: Streams, camera: Streams) -> None:
        await self._request(first, camera[1])
        directions = [
            asyncio.create_task(self._to_camera(ffmpeg[0], camera[1])),
            asyncio.create_task(self._to_ffmpeg(camera, ffmpeg[1])),
        ]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
            camera[1].close()

    async def _to_camera(self, reader: MessageReader, camera: asyncio.StreamWriter) -> None:
        while (event := await reader.next()) is not None:
            if isinstance(event, Request):
                await self._request(event, camera)
            else:
                await _send(camera, event.encode())

    async def _request(self, request: Request, camera: asyncio.StreamWriter, *, again: bool = False) -> None:
        uri = request.uri
        if uri.startswith(self._local):
            uri = self._target.base + uri.removeprefix(self._local)
        headers = request.headers
        credentials, challenge = self._target.credentials, self._challenge
        if credentials is not None and challenge is not None:
            authorization = challenge.authorization(credentials, request.method, uri)
            headers = headers.replace("Authorization", authorization)
        request = replace(request, uri=uri, headers=headers)
        while len(self._requests) >= _MAX_UNANSWERED:
            self._requests.pop(next(iter(self._requests)))
        self._requests[headers.get("CSeq") or ""] = request, again
        await _send(camera, request.encode())

    async def _to_ffmpeg(self, camera: Streams, ffmpeg: asyncio.StreamWriter) -> None:
        reader, writer = camera
        while not isinstance(event := await reader.next(), Packet):
            if not await self._pass_on(event, writer, ffmpeg):
                return
        self._pump = await PacketPump.take_over(reader, cast(asyncio.Transport, writer.transport), ffmpeg, event)
        while await self._pass_on(await self._pump.next_message(), writer, ffmpeg):
            pass

    async def _pass_on(self, message: Event | None, camera: asyncio.StreamWriter, ffmpeg: asyncio.StreamWriter) -> bool:
        """Returns False when the connection has to end; ``message``: None once the camera has closed."""
        if isinstance(message, Response):
            return await self._respond(message, camera, ffmpeg)
        if message is not None:
            await _send(ffmpeg, message.encode())
        return message is not None

    async def _respond(self, response: Response, camera: asyncio.StreamWriter, ffmpeg: asyncio.StreamWriter) -> bool:
        """Act on a camera's response or pass it to FFmpeg. Returns False when the connection has to end."""
        request, again = self._requests.pop(response.headers.get("CSeq") or "", (None, False))
        self.playing |= request is not None and request.method == "PLAY" and response.status == 200
        if 300 <= response.status < 400:
            self.redirect = response.headers.get("Location") or ""
            return False
        if response.status == 401 and request is not None and await self._authenticate(
            response, request, again, camera
        ):  # fmt: skip
            return True
        if not self._names_ports(response):
            return False
        # The challenge is left out: FFmpeg has no credentials and would repeat the request.
        relayed = self._with_source(response)
        await _send(ffmpeg, replace(relayed, headers=relayed.headers.without("WWW-Authenticate")).encode())
        return True

    async def _authenticate(
        self, refusal: Response, request: Request, again: bool, camera: asyncio.StreamWriter
    ) -> bool:
        """Repeat the request with credentials. Returns False when there are none, or they have just been refused."""
        name = self._target.display_url
        offers = refusal.headers.all("WWW-Authenticate")
        challenge = Challenge.best_of(offers)
        if self._target.credentials is None:
            self.error = SourceRejectedError(
                f"{name} asks for user and password: put them into the camera's source, rtsp://USER:PASSWORD@HOST/...",
                Reason.AUTH,
            )
        elif challenge is None:
            offered = ", ".join(offer[:100] for offer in offers[:4]) or "nothing"
            self.error = SourceRejectedError(
                f"{name} offers no authentication that is supported ({SUPPORTED}), but: {offered}. "
                "Choose another in the camera's settings (RTSP authentication)",
                Reason.AUTH,
            )
        elif not again:
            self._challenge = challenge
            await self._request(request, camera, again=True)
            return True
        return False

    def _names_ports(self, response: Response) -> bool:
        """Media over UDP is accepted only from ports that the camera names; otherwise anybody could send it."""
        transport = _udp_transport(response)
        if transport is None or any(part.strip().lower().startswith("server_port=") for part in transport.split(";")):
            return True
        self.error = SourceRejectedError(
            f"{self._target.display_url} does not say from which ports it sends over UDP (server_port), so its "
            "pictures cannot be distinguished from those of strangers: set the camera's transport to tcp",
            Reason.REFUSED,
        )
        return False

    def _with_source(self, response: Response) -> Response:
        """FFmpeg expects media over UDP from the host that it connected to, which is the relay, or from the ``source``
        of the response: this sets it to the camera's checked address."""
        transport = _udp_transport(response)
        if transport is None:
            return response
        kept = [part for part in transport.split(";") if not part.strip().lower().startswith("source=")]
        value = ";".join([*kept, f"source={self._address}"])
        return replace(response, headers=response.headers.replace("Transport", value))


def _udp_transport(response: Response) -> str | None:
    """The Transport header of a successful response, if it is for media over UDP."""
    transport = response.headers.get("Transport")
    return None if transport is None or response.status != 200 or "tcp" in transport.lower() else transport


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


def _certificate_of(writer: asyncio.StreamWriter) -> bytes:
    certificate: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return certificate or b""
