"""Pulled cameras: what is connected to is checked, each time, and a password goes nowhere else."""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from ingest_rig import free_port, rtsp_camera
from stub_camera import StubCamera, stub_camera
from waiting import PATIENCE_S, wait_until

from patchwatch.contract.errors import PatchwatchError, SourceRejectedError, SourceUnavailableError
from patchwatch.messages.cameras.camera import Camera, Tls
from patchwatch.messages.cameras.capture_status import Reason
from workers.media.container import VideoOptions
from workers.media.video import Video
from workers.rtsp.headers import Headers
from workers.rtsp.message import Response
from workers.rtsp_client.relay import Relay
from workers.rtsp_client.target import Target
from workers.rtsp_client.tls import TlsOptions


def first_pictures(url: str, count: int = 3, **options: Any) -> int:
    """How many pictures came, up to ``count``."""
    with Video.open(url, options=VideoOptions(live=True, timeout_s=3, **options)) as video:
        return sum(1 for _, _ in zip(range(count), video.frames(), strict=False))


def refusal(url: str, **options: Any) -> PatchwatchError:
    with pytest.raises((SourceRejectedError, SourceUnavailableError)) as caught:
        first_pictures(url, **options)
    return caught.value


def test_a_camera_is_read_through_the_relay() -> None:
    with stub_camera() as camera:
        assert first_pictures(f"rtsp://127.0.0.1:{camera.port}/cam?channel=1") == 3
    assert camera.requests[:2] == [
        f"OPTIONS rtsp://127.0.0.1:{camera.port}/cam?channel=1",
        f"DESCRIBE rtsp://127.0.0.1:{camera.port}/cam?channel=1",
    ]


def test_a_camera_that_agrees_to_send_and_sends_nothing_is_told_from_one_that_is_away() -> None:
    with stub_camera(silent=True) as camera:
        error = refusal(f"rtsp://127.0.0.1:{camera.port}/cam")
    assert str(error).startswith(f"rtsp://127.0.0.1:{camera.port}/cam answers, and has agreed to send, but no video")


@pytest.mark.gst
@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("auth", ["basic", "digest"])
def test_an_independent_camera_is_read_over_either_transport(transport: str, auth: str) -> None:
    port = free_port()
    with rtsp_camera(port, "--user", "ann", "--password", "12#3/4", "--auth", auth):
        assert first_pictures(f"rtsp://ann:12%233%2F4@127.0.0.1:{port}/cam", transport=transport) == 3


def test_media_over_udp_is_accepted_only_from_the_checked_address() -> None:
    relay = Relay(Target.parse("rtsp://camera.example/x"), TlsOptions(), timeout_s=1, allow_link_local=False)
    relay._address = "10.0.0.7"
    transport = "RTP/AVP;unicast;client_port=5000-5001;server_port=6000-6001;source=169.254.169.254"
    response = Response("RTSP/1.0 200 OK", Headers((("CSeq", "3"), ("Transport", transport))))
    relayed = relay._with_source(response).headers
    assert relayed.get("Transport") == transport.replace("169.254.169.254", "10.0.0.7")
    by_tcp = Response("RTSP/1.0 200 OK", Headers((("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1"),)))
    assert relay._with_source(by_tcp) == by_tcp
    relay._loop.close()


@pytest.mark.gst
def test_packets_of_strangers_do_not_disturb_media_over_udp() -> None:
    port = free_port()
    options = VideoOptions(live=True, timeout_s=5, transport="udp")
    with rtsp_camera(port), Video.open(f"rtsp://127.0.0.1:{port}/cam", options=options) as video:
        frames = video.frames()
        next(frames)
        for _ in range(10):
            send_junk(own_udp_ports())
            next(frames)
        assert video.decode_errors == 0


def test_a_camera_that_does_not_name_its_udp_ports_has_to_use_tcp() -> None:
    with stub_camera() as camera:  # it repeats our offer
        error = refusal(f"rtsp://127.0.0.1:{camera.port}/cam", transport="udp")
    assert isinstance(error, SourceRejectedError)
    assert "set the camera's transport to tcp" in str(error)


def own_udp_ports() -> list[int]:
    """Where this process listens by UDP."""
    ours = {os.readlink(link).strip("socket:[]") for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}
    rows = [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
    ports = [int(row[1].partition(":")[2], 16) for row in rows if row[9] in ours]
    assert ports
    return ports


def send_junk(ports: list[int]) -> None:
    """RTP packets from another address; some of their numbers will be those that the camera uses next."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.9", 0))
        for _ in range(300):
            packet = bytes([0x80, 96]) + os.urandom(2 + 200)
            for port in ports:
                stranger.sendto(packet, ("127.0.0.1", port))


# Redirects ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("there", ["rtsp://0.0.0.0:{port}/x", "rtsp://[::ffff:169.254.1.1]:{port}/x"])
def test_a_redirect_to_a_forbidden_address_is_not_followed(there: str) -> None:
    with stub_camera() as target, stub_camera(redirect=there.format(port=target.port), basic=True) as camera:
        error = refusal(f"rtsp://ann:geheim@127.0.0.1:{camera.port}/cam")
    assert getattr(error, "reason", None) == Reason.FORBIDDEN_ADDRESS
    assert target.connections == 0


def test_a_redirect_to_an_ordinary_address_is_followed_without_the_password() -> None:
    with stub_camera(basic=True) as target, stub_camera(redirect=f"rtsp://127.0.0.1:{target.port}/x") as camera:
        error = refusal(f"rtsp://ann:geheim@127.0.0.1:{camera.port}/cam")
    assert getattr(error, "reason", None) == Reason.AUTH
    assert f"127.0.0.1:{target.port}/x (where rtsp://***@127.0.0.1:{camera.port}/cam sends us)" in str(error)
    assert target.authorizations == []
    with stub_camera() as target, stub_camera(redirect=f"rtsp://127.0.0.1:{target.port}/x") as camera:
        assert first_pictures(f"rtsp://ann:geheim@127.0.0.1:{camera.port}/cam") == 3
    assert not any("auth" in request for request in target.requests)


def test_a_redirect_on_the_same_camera_keeps_the_password() -> None:
    there = Target.parse("rtsp://ann:geheim@cam:554/a").redirected("/b?c")
    assert (there.base, there.path) == ("rtsp://cam:554", "/b?c")
    assert there.credentials is not None
    assert Target.parse("rtsps://ann:geheim@cam:322/a").redirected("rtsp://cam:322/a").credentials is None


def test_redirects_without_end_end() -> None:
    with stub_camera() as camera:
        camera.redirect = f"rtsp://127.0.0.1:{camera.port}/again"
        error = refusal(f"rtsp://127.0.0.1:{camera.port}/cam")
    assert "from one address to the next" in str(error)
    assert camera.connections <= 8


@pytest.mark.parametrize("there", ["http://127.0.0.1/x", "file:/etc/passwd", "", "rtsp://[/x"])
def test_a_redirect_to_something_else_than_a_camera_is_refused(there: str) -> None:
    with stub_camera(redirect=there or " ") as camera:
        assert getattr(refusal(f"rtsp://127.0.0.1:{camera.port}/cam"), "reason", None) == Reason.BAD_URL


def test_the_address_that_was_checked_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads elsewhere when it is asked again."""
    looked_up: list[str] = []
    honest = socket.getaddrinfo

    def resolve(host: Any, *rest: Any, **more: Any) -> Any:
        if host != "cam.example":
            return honest(host, *rest, **more)
        looked_up.append(host)
        address = "127.0.0.1" if len(looked_up) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, camera.port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with stub_camera() as camera:
        assert first_pictures(f"rtsp://cam.example:{camera.port}/cam") == 3
    assert looked_up == ["cam.example"]
    assert camera.requests[0] == f"OPTIONS rtsp://cam.example:{camera.port}/cam"


# Passwords ----------------------------------------------------------------------------------------------------


def test_a_camera_that_supports_only_sha_256_is_read() -> None:
    with stub_camera(sha256='ann:12#3/4?5@6%7:8"') as camera:
        assert first_pictures(f"rtsp://ann:12%233%2F4%3F5%406%257%3A8%22@127.0.0.1:{camera.port}/cam") == 3
    assert camera.authorizations


def test_a_wrong_password_is_tried_once() -> None:
    with stub_camera(sha256="ann:right") as camera:
        error = refusal(f"rtsp://ann:wrong@127.0.0.1:{camera.port}/cam")
    assert "refuses user or password" in str(error)
    assert len(camera.authorizations) == 1


def test_an_unsupported_authentication_is_named() -> None:
    with stub_camera(scheme='Digest realm="x", nonce="y", algorithm=SHA-512-256') as camera:
        error = refusal(f"rtsp://ann:geheim@127.0.0.1:{camera.port}/cam")
    assert getattr(error, "reason", None) == Reason.AUTH
    assert "SHA-512-256" in str(error)
    assert "Digest with MD5 or SHA-256" in str(error)
    assert camera.authorizations == []


def test_the_error_asks_for_a_missing_password() -> None:
    with stub_camera(basic=True) as camera:
        assert "asks for user and password" in str(refusal(f"rtsp://127.0.0.1:{camera.port}/cam"))


def test_another_local_user_does_not_get_the_camera_by_our_port() -> None:
    with stub_camera(basic=True) as camera:
        target = Target.parse(f"rtsp://ann:geheim@127.0.0.1:{camera.port}/cam")
        with Relay.open(target, TlsOptions(), timeout_s=3) as relay:
            port = int(relay.url.split(":")[2].split("/")[0])
            with socket.create_connection(("127.0.0.1", port), timeout=3) as stranger:
                stranger.sendall(f"DESCRIBE rtsp://127.0.0.1:{port}/cam RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
                assert stranger.recv(100) == b""
        assert camera.requests == []


def closed(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


@contextmanager
def silent(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Connections that ask for nothing."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=3)) for _ in range(count)]
        for client in sockets:
            client.setblocking(False)
        yield sockets


def test_silent_connections_are_bounded_and_keep_nobody_out() -> None:
    with stub_camera() as camera:
        target = Target.parse(f"rtsp://127.0.0.1:{camera.port}/cam")
        with Relay.open(target, TlsOptions(), timeout_s=600) as relay:
            port = int(relay.url.split(":")[2].split("/")[0])
            with silent(port, 40) as strangers:
                wait_until(lambda: sum(map(closed, strangers)) == 40 - 8)
                with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as ffmpeg:
                    ffmpeg.sendall(f"OPTIONS {relay.url} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
                    assert ffmpeg.recv(100).startswith(b"RTSP/1.0 200")


def test_a_silent_connection_ends_in_time() -> None:
    with stub_camera() as camera:
        target = Target.parse(f"rtsp://127.0.0.1:{camera.port}/cam")
        with Relay.open(target, TlsOptions(), timeout_s=1) as relay:
            with silent(int(relay.url.split(":")[2].split("/")[0]), 2) as strangers:
                strangers[1].sendall(b"OPTIONS rtsp")
                wait_until(lambda: all(map(closed, strangers)))
            assert not relay._pending


# TLS ----------------------------------------------------------------------------------------------------------


@contextmanager
def secure_camera(issuer: trustme.CA, name: str = "127.0.0.1") -> Iterator[tuple[StubCamera, str]]:
    """With the SHA-256 of its certificate."""
    certificate = issuer.issue_cert(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    der = ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())
    with stub_camera(tls=context, basic=True) as camera:
        yield camera, hashlib.sha256(der).hexdigest()


@pytest.fixture
def ca(tmp_path: Path) -> tuple[trustme.CA, Path]:
    issuer, path = trustme.CA(), tmp_path / "ca.pem"
    issuer.cert_pem.write_to_path(str(path))
    return issuer, path


def test_an_untrusted_certificate_gets_nothing_and_the_error_says_how_to_trust_it(ca: tuple[trustme.CA, Path]) -> None:
    with secure_camera(ca[0]) as (camera, fingerprint):
        error = refusal(f"rtsps://ann:geheim@127.0.0.1:{camera.port}/cam")
    assert getattr(error, "reason", None) == Reason.TLS
    assert camera.requests == []
    for remedy in (fingerprint, "PATCHWATCH_SOURCE_CA_FILE", "tls_verify=false"):
        assert remedy in str(error)


def test_an_authority_of_ones_own_is_trusted_for_the_host_that_it_vouches_for(ca: tuple[trustme.CA, Path]) -> None:
    with secure_camera(ca[0]) as (camera, _):
        assert first_pictures(f"rtsps://ann:geheim@127.0.0.1:{camera.port}/cam", tls=TlsOptions(ca_file=ca[1])) == 3
    with secure_camera(ca[0], "other.example") as (camera, _):
        error = refusal(f"rtsps://ann:geheim@127.0.0.1:{camera.port}/cam", tls=TlsOptions(ca_file=ca[1]))
        assert getattr(error, "reason", None) == Reason.TLS
        assert camera.requests == []


@pytest.mark.parametrize(
    "written", [str.lower, lambda text: ":".join(text[n : n + 2] for n in range(0, 64, 2)).upper()]
)
def test_a_pinned_certificate_is_trusted_and_no_other(
    ca: tuple[trustme.CA, Path], written: Callable[[str], str]
) -> None:
    with secure_camera(ca[0]) as (camera, fingerprint):
        url = f"rtsps://ann:geheim@127.0.0.1:{camera.port}/cam"
        assert first_pictures(url, tls=TlsOptions(fingerprint=written(fingerprint))) == 3
        opened = camera.requests.count(f"OPTIONS rtsps://127.0.0.1:{camera.port}/cam")
        error = refusal(url, tls=TlsOptions(fingerprint="0" * 64))
    assert "another certificate" in str(error)
    assert fingerprint in str(error)
    assert camera.requests.count(f"OPTIONS rtsps://127.0.0.1:{camera.port}/cam") == opened == 1


def test_verification_can_be_switched_off_and_is_shown_as_off(ca: tuple[trustme.CA, Path]) -> None:
    with secure_camera(ca[0]) as (camera, _):
        url = f"rtsps://ann:geheim@127.0.0.1:{camera.port}/cam"
        assert first_pictures(url, tls=TlsOptions(verify=False)) == 3
    assert Camera(id="c", source=url).tls is Tls.VERIFIED
    assert Camera(id="c", source=url, tls_verify=False).tls is Tls.UNVERIFIED
    assert Camera(id="c", source=url, tls_verify=False, tls_fingerprint="0" * 64).tls is Tls.PINNED
    assert Camera(id="c", source="rtsp://cam/x", tls_verify=False).tls is None


def test_a_camera_without_tls_is_reported_as_such() -> None:
    with stub_camera() as camera:
        error = refusal(f"rtsps://127.0.0.1:{camera.port}/cam")
    assert getattr(error, "reason", None) in (Reason.TLS, Reason.TIMEOUT, Reason.UNREACHABLE)


# Bounds -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"x" * 200_000, b"RTSP/1.0 200 OK\r\n" + b"A: b\r\n" * 100_000,
     b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 99999999\r\n\r\n",
     b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
     b'RTSP/1.0 401 No\r\nCSeq: 1\r\nWWW-Authenticate: Digest ' + b'a' * 60_000 + b"\r\n\r\n", b""],
    ids=["http", "no line", "many headers", "large", "negative", "long challenge", "nothing"],
)  # fmt: skip
def test_whatever_answers_instead_of_a_camera_ends_in_an_error(answer: bytes) -> None:
    with stub_camera(raw=answer) as camera:
        assert isinstance(refusal(f"rtsp://ann:geheim@127.0.0.1:{camera.port}/cam"), PatchwatchError)
