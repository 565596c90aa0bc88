"""Cameras are at ordinary addresses; those that only this machine or a cloud can mean are refused, however written."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from ingest_rig import free_port

from patchwatch.contract.errors import SourceRejectedError, SourceUnavailableError
from patchwatch.messages.cameras.capture_status import Reason
from workers.media.container import VideoOptions
from workers.media.video import Video
from workers.rtsp_client.camera_address import camera_addresses
from workers.rtsp_client.target import Target


def addresses(url: str) -> list[str]:
    target = Target.parse(url)
    return camera_addresses(target.host, target.port, target.display_url)


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "2852039166", "0xa9fea9fe", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[fe80::1]",
     "[2002:a9fe:a9fe::1]", "[fd00:ec2::254]", "100.100.100.200", "224.0.0.1", "[ff02::1]", "0.0.0.0", "[::]",
     "255.255.255.255", "192.0.0.192", "168.63.129.16", "[fd00:ec2::23]", "[fd20:ce::254]", "[fd00:c1::a9fe:a9fe]",
     "[64:ff9b:1::a9fe:a9fe]", "[64:ff9b:1:a9fe:a9:fe00::]", "[::a9fe:a9fe]", "[fd12::5efe:a9fe:a9fe]",
     "[2001:0:a9fe:a9fe::1]"],
)  # fmt: skip
def test_addresses_that_are_no_cameras_are_refused(host: str) -> None:
    with pytest.raises(SourceRejectedError, match="PATCHWATCH_ALLOW_LINK_LOCAL_SOURCES") as caught:
        addresses(f"rtsp://ann:geheim@{host}:554/x")
    assert caught.value.reason == Reason.FORBIDDEN_ADDRESS
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "10.0.0.7", "192.168.1.4", "[fd00::7]", "8.8.8.8"])
def test_private_loopback_and_public_addresses_are_ordinary(host: str) -> None:
    assert addresses(f"rtsp://{host}/x") == [host.strip("[]")]


def test_every_address_of_a_name_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", (address, 0)) for address in ("10.0.0.7", "169.254.169.254")]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(SourceRejectedError, match=r"leads to 169\.254\.169\.254"):
        addresses("rtsp://metadata.example/x")


def test_an_unknown_host_name_is_worth_retrying() -> None:
    with pytest.raises(SourceUnavailableError) as caught:
        addresses("rtsp://ann:geheim@nohost.invalid/x")
    assert caught.value.reason == Reason.UNREACHABLE


def test_nothing_connects_to_a_refused_address_unless_it_is_allowed() -> None:
    url = f"rtsp://0.0.0.0:{free_port()}/x"  # to Linux, this machine
    with pytest.raises(SourceRejectedError):
        Video.open(url, options=VideoOptions(live=True, timeout_s=2))
    with pytest.raises(SourceUnavailableError) as caught:
        Video.open(url, options=VideoOptions(live=True, timeout_s=2, allow_link_local=True))
    assert caught.value.reason == Reason.REFUSED
