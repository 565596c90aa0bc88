"""An RTSP camera with faults: its own small server, which streams H.264 over the connection itself."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np

FPS = 10
_MTU = 1200
_SDP = (
    "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=stub\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
    "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1; sprop-parameter-sets={sprop}\r\na=control:track1\r\n"
)


def pictures(count: int, key_every: int, size: tuple[int, int] = (160, 120)) -> list[list[bytes]]:
    """H.264 of a moving square: for each picture its NAL units, a key frame every so often."""
    context: Any = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt, context.framerate = *size, "yuv420p", FPS
    context.time_base = Fraction(1, FPS)
    context.options = {"preset": "ultrafast", "tune": "zerolatency", "g": str(key_every), "sc_threshold": "0"}
    result = []
    for number in range(count):
        rgb = np.full((size[1], size[0], 3), 60, np.uint8)
        rgb[40:60, number * 2 % 130 : number * 2 % 130 + 20] = 250
        frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
        frame.pts = number
        data = b"".join(bytes(packet) for packet in context.encode(frame))
        result.append([nal for nal in re.split(b"\x00\x00\x00?\x01", data) if nal])
    return result


@dataclass
class StubCamera:
    """``requests``: what was asked, as "METHOD uri", with " auth" when a password came along. ``first``: the picture
    with which every client begins, so that it may be between two key frames."""

    port: int = 0
    redirect: str = ""
    sha256: str = ""  # USER:PASSWORD
    basic: bool = False
    scheme: str = ""  # of authentication that nobody can do
    raw: bytes | None = None  # said to whatever comes, instead of anything sensible
    tls: ssl.SSLContext | None = None
    stream: list[list[bytes]] = field(default_factory=lambda: pictures(40, 10))
    first: int = 0
    pause_s: float = 1 / FPS
    silent: bool = False  # it agrees to send, and sends nothing
    requests: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    connections: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    def accept(self, listener: socket.socket) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._guarded, args=(connection,), daemon=True).start()

    def stop(self) -> None:
        self._ended.set()

    def _guarded(self, connection: socket.socket) -> None:
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            if self.raw is not None:
                connection.recv(4096)
                connection.sendall(self.raw)
                return
            self._serve(connection)
        except (OSError, ValueError):
            pass
        finally:
            connection.close()

    def _serve(self, connection: socket.socket) -> None:
        reader = connection.makefile("rb")
        while line := reader.readline():
            if line.startswith(b"$"):
                continue
            words = line.decode("latin-1").split()
            headers = dict(iter(lambda: self._header(reader), ("", "")))
            if len(words) < 2:
                continue
            self.requests.append(f"{words[0]} {words[1]}{' auth' if 'authorization' in headers else ''}")
            if "authorization" in headers:
                self.authorizations.append(headers["authorization"])
            answer = self._answer(words[0], headers)
            connection.sendall(answer.replace("\n", "\r\n").replace("\r\r", "\r").encode())
            if words[0] == "PLAY" and not self.silent and answer.startswith("RTSP/1.0 200"):
                threading.Thread(target=self._play, args=(connection,), daemon=True).start()

    def _header(self, reader: Any) -> tuple[str, str]:
        name, _, value = reader.readline().decode("latin-1").strip().partition(":")
        return name.lower(), value.strip()

    def _answer(self, method: str, headers: dict[str, str]) -> str:
        cseq = f"CSeq: {headers.get('cseq', '0')}\n"
        if method == "OPTIONS":
            return f"RTSP/1.0 200 OK\n{cseq}Public: DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\n\n"
        if self.redirect and method == "DESCRIBE":
            return f"RTSP/1.0 302 Moved\n{cseq}Location: {self.redirect}\n\n"
        if challenge := self._challenge(method, headers.get("authorization", "")):
            return f"RTSP/1.0 401 Unauthorized\n{cseq}WWW-Authenticate: {challenge}\n\n"
        if method == "DESCRIBE":
            kept = [nal for nal in self.stream[0] if nal[0] & 0x1F in (7, 8)]  # SPS and PPS
            sdp = _SDP.format(sprop=",".join(base64.b64encode(nal).decode() for nal in kept))
            return f"RTSP/1.0 200 OK\n{cseq}Content-Type: application/sdp\nContent-Length: {len(sdp)}\n\n{sdp}"
        transport = f"Transport: {headers['transport']}\n" if "transport" in headers else ""
        return f"RTSP/1.0 200 OK\n{cseq}{transport}Session: 12345678\n\n"

    def _challenge(self, method: str, given: str) -> str:
        if self.scheme:
            return self.scheme
        if self.basic:
            return "" if given.startswith("Basic ") else 'Basic realm="stub"'
        if not self.sha256 or self._digest_fits(method, given):
            return ""
        return 'Digest realm="stub", nonce="abc", algorithm=SHA-256, qop="auth"'

    def _digest_fits(self, method: str, given: str) -> bool:
        parts = dict(re.findall(r'(\w{1,20})="?([^",]{1,300})"?', given))
        if "response" not in parts:
            return False

        def digest(text: str) -> str:
            return hashlib.sha256(text.encode()).hexdigest()

        user, _, password = self.sha256.partition(":")
        middle = f"{parts['nonce']}:{parts['nc']}:{parts['cnonce']}:auth"
        secret, request = digest(f"{user}:stub:{password}"), digest(f"{method}:{parts['uri']}")
        return bool(parts["response"] == digest(f"{secret}:{middle}:{request}"))

    def _play(self, connection: socket.socket) -> None:
        number, sequence = self.first, 0
        try:
            while not self._ended.is_set():
                nals = self.stream[number % len(self.stream)]
                for index, nal in enumerate(nals):
                    for last, payload in _payloads(nal):
                        marker = 0x80 if last and index == len(nals) - 1 else 0
                        head = bytes([0x80, 96 | marker]) + (sequence & 0xFFFF).to_bytes(2, "big")
                        packet = head + (number * 90000 // FPS & 0xFFFFFFFF).to_bytes(4, "big") + b"stub" + payload
                        connection.sendall(b"$\0" + len(packet).to_bytes(2, "big") + packet)
                        sequence += 1
                number += 1
                time.sleep(self.pause_s)
        except OSError:
            pass


def _payloads(nal: bytes) -> Iterator[tuple[bool, bytes]]:
    """A NAL unit whole, or cut into FU-A (RFC 6184, 5.8), each with whether it is the last."""
    if len(nal) <= _MTU:
        yield True, nal
        return
    parts = [nal[at : at + _MTU] for at in range(1, len(nal), _MTU)]
    for number, part in enumerate(parts):
        ends = (0x80 if number == 0 else 0) | (0x40 if number == len(parts) - 1 else 0)
        yield number == len(parts) - 1, bytes([nal[0] & 0xE0 | 28, ends | nal[0] & 0x1F]) + part


@contextmanager
def stub_camera(**options: Any) -> Iterator[StubCamera]:
    """A camera at ``port`` of 127.0.0.1, while the block runs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        camera = StubCamera(port=listener.getsockname()[1], **options)
        threading.Thread(target=camera.accept, args=(listener,), daemon=True).start()
        try:
            yield camera
        finally:
            camera.stop()
            listener.shutdown(socket.SHUT_RDWR)
