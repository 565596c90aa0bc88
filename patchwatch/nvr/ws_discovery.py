"""Finds ONVIF devices of the local network by WS-Discovery: one question to a multicast group, many answers.

Source: the ONVIF core specification, section 7, and WS-Discovery of April 2005.
"""

from __future__ import annotations

import re
import socket
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from patchwatch.contract.errors import ConfigurationError, RetryableError

GROUP = ("239.255.255.250", 3702)
MOST_DEVICES = 256
_MOST_ANSWERS = 4 * MOST_DEVICES
_LONGEST_ANSWER = 65_536  # bytes: what a datagram holds
_LONGEST_ADDRESS = 2048
_LONGEST_NAME = 60
_PROBE = """<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"
 xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">
<e:Header><w:MessageID>uuid:{message}</w:MessageID><w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>
<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>
<e:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>"""
_DISCOVERY = "{http://schemas.xmlsoap.org/ws/2005/04/discovery}"
_NAME_SCOPE = re.compile(r"onvif://www\.onvif\.org/name/(\S{1,200})")


@dataclass(frozen=True, order=True)
class Device:
    """An ONVIF device: where it answers, and what it calls itself."""

    host: str
    address: str  # of its device service
    name: str


def find_devices(wait_s: float, targets: Sequence[tuple[str, int]] = (GROUP,)) -> list[Device]:
    """Those that answer within ``wait_s``. Raises `RetryableError` where no network can be asked."""
    found: dict[str, Device] = {}
    for content, host in _answers(wait_s, targets):
        device = device_in(content, host)
        if device is not None and len(found) < MOST_DEVICES:
            found.setdefault(device.address, device)
    return sorted(found.values())


def device_in(content: bytes, host: str) -> Device | None:
    """The device of an answer that came from ``host``; None for an answer that is none, or that names another host."""
    try:
        from defusedxml.ElementTree import ParseError, fromstring
    except ModuleNotFoundError:
        raise ConfigurationError("finding cameras needs the extra `onvif`: pip install '.[onvif]'") from None
    try:
        root = fromstring(content, forbid_dtd=True)
    except (ParseError, ValueError, RecursionError):  # a ValueError: it has a DTD
        return None
    match = root.find(f".//{_DISCOVERY}ProbeMatch")
    if match is None:
        return None
    addresses = [one for one in (match.findtext(f"{_DISCOVERY}XAddrs") or "").split()[:16] if _is_at(one, host)]
    if not addresses:
        return None
    scope = _NAME_SCOPE.search((match.findtext(f"{_DISCOVERY}Scopes") or "")[:_LONGEST_ANSWER])
    name = unquote(scope.group(1)) if scope else host
    return Device(host, addresses[0], "".join(filter(str.isprintable, name))[:_LONGEST_NAME] or host)


def _is_at(address: str, host: str) -> bool:
    """A device sends us to itself only."""
    try:
        parts = urlsplit(address)
        return len(address) <= _LONGEST_ADDRESS and parts.scheme in ("http", "https") and parts.hostname == host
    except ValueError:
        return False


def _answers(wait_s: float, targets: Sequence[tuple[str, int]]) -> Iterator[tuple[bytes, str]]:
    deadline = time.monotonic() + wait_s
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        try:
            for target in targets:
                asking.sendto(_PROBE.format(message=uuid.uuid4()).encode(), target)
        except OSError as error:
            raise RetryableError(f"no network to look for cameras in ({error.strerror}): name their --host") from None
        for _ in range(_MOST_ANSWERS):
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return
            asking.settimeout(left_s)
            try:
                content, (host, _port) = asking.recvfrom(_LONGEST_ANSWER)
            except TimeoutError:
                return
            except ConnectionError:
                continue
            yield content, host
